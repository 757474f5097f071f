/// A pass that updates a volume and judges it on the way: one trip through memory instead of two.
///
///   Sums run_and_sum(device, grid, kernel)      kernel(Index3) -> Sums, once for every voxel
///
/// Sums are made in double and in a fixed order, so they are the same each time on one device (on
/// the CPU for any number of threads). Synchronises.
#pragma once

#include <vector>

#include "device/device.hpp"
#include "device/launch.hpp"

namespace qsm {

struct Sums {
  double first = 0, second = 0;
  QSM_HD void add(Sums const& o) {
    first += o.first;
    second += o.second;
  }
};

template <PointKernel F>
Sums run_and_sum(Cpu const&, Grid grid, F const kernel) {
  static thread_local std::vector<Sums> rows;  // grows once, so that iterations do not allocate
  std::size_t const count = static_cast<std::size_t>(grid.ny) * static_cast<std::size_t>(grid.nz);
  rows.resize(count);
  Sums* const partial = rows.data();
#pragma omp parallel for collapse(2) schedule(static) firstprivate(kernel)
  for (int z = 0; z < grid.nz; ++z)
    for (int y = 0; y < grid.ny; ++y) {
      Sums row;
      for (int x = 0; x < grid.nx; ++x) row.add(kernel(Index3{x, y, z}));
      partial[static_cast<std::size_t>(z) * static_cast<std::size_t>(grid.ny) +
              static_cast<std::size_t>(y)] = row;
    }
  Sums total;
  for (std::size_t r = 0; r < count; ++r) total.add(partial[r]);
  return total;
}

#if defined(__CUDACC__)

namespace detail {

/// Sum over the block, in thread 0.
template <int kThreads>
__device__ Sums sum_block(Sums mine) {
  __shared__ Sums shared[kThreads / 32];
  int const thread = static_cast<int>(threadIdx.x + blockDim.x * threadIdx.y);
  for (int apart = 16; apart > 0; apart /= 2)
    mine.add({__shfl_down_sync(0xffffffffu, mine.first, apart),
              __shfl_down_sync(0xffffffffu, mine.second, apart)});
  if (thread % 32 == 0) shared[thread / 32] = mine;
  __syncthreads();
  if (thread == 0)
    for (int warp = 1; warp < kThreads / 32; ++warp) mine.add(shared[warp]);
  return mine;
}

template <class F>
__global__ void run_and_sum_blocks(Grid grid, F kernel, Sums* partial) {
  int const x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  int const y = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  int const z = static_cast<int>(blockIdx.z);
  Sums const mine = x < grid.nx && y < grid.ny ? kernel(Index3{x, y, z}) : Sums{};
  Sums const block = sum_block<256>(mine);
  if (threadIdx.x == 0 && threadIdx.y == 0)
    partial[blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z)] = block;
}

inline __global__ void sum_partials(Sums const* partial, std::size_t count, Sums* total) {
  Sums mine;
  for (std::size_t n = threadIdx.x; n < count; n += blockDim.x) mine.add(partial[n]);
  Sums const all = sum_block<1024>(mine);
  if (threadIdx.x == 0) *total = all;
}

}  // namespace detail

template <PointKernel F>
Sums run_and_sum(Cuda const& device, Grid grid, F const kernel) {
  if (grid.size() == 0) return {};
  dim3 const block(32, 8, 1);
  dim3 const blocks((static_cast<unsigned>(grid.nx) + 31) / 32,
                    (static_cast<unsigned>(grid.ny) + 7) / 8, static_cast<unsigned>(grid.nz));
  std::size_t const count = std::size_t{blocks.x} * blocks.y * blocks.z;
  std::size_t const bytes = (count + 1) * sizeof(Sums);
  auto* const partial = static_cast<Sums*>(allocate(device, bytes));  // from the warm pool
  detail::run_and_sum_blocks<<<blocks, block, 0, device.stream()>>>(grid, kernel, partial);
  detail::sum_partials<<<1, 1024, 0, device.stream()>>>(partial, count, partial + count);
  auto const status = cudaGetLastError();
  Sums total;
  if (status == cudaSuccess) copy_to_host(device, &total, partial + count, sizeof(Sums));
  release(device, partial, bytes);
  if (status != cudaSuccess)
    throw Error(ErrorCode::kDeviceFailure, "KERNEL_LAUNCH_FAILED", cudaGetErrorString(status));
  return total;
}

#endif

}  // namespace qsm
