/// A pass that updates a volume and judges it on the way: one trip through memory instead of two.
///
///   Sums run_and_sum(device, grid, kernel, scratch)    kernel(Index3) -> Sums, once for every
///   voxel
///
///   Sums run_and_sum(device, grid, kernel, follower, scratch)    the same, and then
///   follower(Index3) for every voxel: on the CPU in the same trip, slice behind slice, while what
///   the kernel wrote is in the cache. The follower may read the kernel's outputs in its own and in
///   the slice below (z - 1, periodic), and may write what the kernel reads in its own slice and
///   the one above.
///
/// Sums are made in double and in a fixed order, so they are the same each time on one device (on
/// the CPU for any number of threads). Allocates nothing; synchronises.
#pragma once

#include <algorithm>

#include "device/buffer.hpp"
#include "device/launch.hpp"

namespace qsm {

struct Sums {
  double first = 0, second = 0;
  QSM_HD void add(Sums const& o) {
    first += o.first;
    second += o.second;
  }
};

/// Partial sums of a volume: one per row on the CPU, one per block on CUDA. Made once per volume.
template <class Device>
using SumScratch = Buffer<Device, Sums>;

inline SumScratch<Cpu> sum_scratch(Cpu const& device, Grid grid) {
  return {device, Grid{grid.ny, grid.nz, 1}};
}

namespace detail {

/// Slices that one thread takes in turn.
constexpr int kSlab = 8;

template <class F>
[[gnu::flatten, gnu::noinline]] Sums sum_row(int nx, int y, int z, F const kernel) {
  double first = 0, second = 0;
  auto const add = [&](Sums const& s) {
    first += s.first;
    second += s.second;
  };
  if constexpr (TakesInnerIndex<F>) {
    add(kernel(Index3{0, y, z}));
#pragma omp simd reduction(+ : first, second)
    for (int x = 1; x < nx - 1; ++x) {
      Sums const s = kernel(InnerIndex3{{x, y, z}});
      first += s.first;
      second += s.second;
    }
    if (nx > 1) add(kernel(Index3{nx - 1, y, z}));
  } else {
    for (int x = 0; x < nx; ++x) add(kernel(Index3{x, y, z}));
  }
  return {first, second};
}

inline Sums sum_rows(Field<Sums const> rows) {
  Sums total;
  for (std::size_t r = 0; r < rows.size(); ++r) total.add(rows.data[r]);
  return total;
}

}  // namespace detail

template <PointKernel F>
Sums run_and_sum(Cpu const&, Grid grid, F const kernel, SumScratch<Cpu>& scratch) {
  if (grid.size() == 0) return {};
  Field<Sums> const rows = scratch.field();
#pragma omp parallel for collapse(2) schedule(static) firstprivate(kernel)
  for (int z = 0; z < grid.nz; ++z)
    for (int y = 0; y < grid.ny; ++y) rows[{y, z, 0}] = detail::sum_row(grid.nx, y, z, kernel);
  return detail::sum_rows(rows);
}

/// The slab's first slice waits for the slab below, which reads it, and whose last slice it reads.
template <PointKernel F, PointKernel Follower>
Sums run_and_sum(Cpu const&, Grid grid, F const kernel, Follower const follower,
                 SumScratch<Cpu>& scratch) {
  if (grid.size() == 0) return {};
  Field<Sums> const rows = scratch.field();
#pragma omp parallel firstprivate(kernel, follower)
  {
    auto const follow = [&](int z) {
      for (int y = 0; y < grid.ny; ++y) detail::run_row(grid.nx, y, z, follower);
    };
#pragma omp for schedule(static)
    for (int low = 0; low < grid.nz; low += detail::kSlab)
      for (int z = low; z < std::min(low + detail::kSlab, grid.nz); ++z) {
        for (int y = 0; y < grid.ny; ++y)
          rows[{y, z, 0}] = detail::sum_row(grid.nx, y, z, kernel);
        if (z > low) follow(z);
      }
#pragma omp for schedule(static)
    for (int low = 0; low < grid.nz; low += detail::kSlab) follow(low);
  }
  return detail::sum_rows(rows);
}

namespace detail {

/// A thread takes a column of about kColumn voxels along z, so that the block's own sum, for which
/// its threads wait, is made once in so many voxels: summing at every voxel made a pass of 0.29 ms
/// take 1.23 (H100, 270 x 270 x 160).
constexpr int kColumn = 10, kBlockX = 32, kBlockY = 8;

inline Grid sum_blocks(Grid g) {
  auto const parts = [](int n, int size) { return (n + size - 1) / size; };
  return {parts(g.nx, kBlockX), parts(g.ny, kBlockY), parts(g.nz, kColumn)};
}

}  // namespace detail

inline SumScratch<Cuda> sum_scratch(Cuda const& device, Grid grid) {
  return {device, Grid{static_cast<int>(detail::sum_blocks(grid).size()) + 1, 1, 1}};
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
  Sums mine;
  if (x < grid.nx && y < grid.ny)
    for (int z = static_cast<int>(blockIdx.z); z < grid.nz; z += static_cast<int>(gridDim.z))
      mine.add(kernel(Index3{x, y, z}));
  Sums const block = sum_block<kBlockX * kBlockY>(mine);
  if (threadIdx.x == 0 && threadIdx.y == 0)
    partial[blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z)] = block;
}

template <int kThreads>
__global__ void sum_partials(Sums const* partial, std::size_t count, Sums* total) {
  Sums mine;
  for (std::size_t n = threadIdx.x; n < count; n += blockDim.x) mine.add(partial[n]);
  Sums const all = sum_block<kThreads>(mine);
  if (threadIdx.x == 0) *total = all;
}

}  // namespace detail

template <PointKernel F>
Sums run_and_sum(Cuda const& device, Grid grid, F const kernel, SumScratch<Cuda>& scratch) {
  if (grid.size() == 0) return {};
  Grid const blocks = detail::sum_blocks(grid);
  dim3 const launch(static_cast<unsigned>(blocks.nx), static_cast<unsigned>(blocks.ny),
                    static_cast<unsigned>(blocks.nz));
  Sums* const partial = scratch.field().data;
  Sums* const sum = partial + blocks.size();
  detail::
      run_and_sum_blocks<<<launch, dim3(detail::kBlockX, detail::kBlockY), 0, device.stream()>>>(
          grid, kernel, partial);
  detail::sum_partials<1024><<<1, 1024, 0, device.stream()>>>(partial, blocks.size(), sum);
  if (auto const status = cudaGetLastError(); status != cudaSuccess)
    throw Error(ErrorCode::kDeviceFailure, "KERNEL_LAUNCH_FAILED", cudaGetErrorString(status));
  Sums total;
  copy_to_host(device, &total, sum, sizeof(Sums));
  return total;
}

template <PointKernel F, PointKernel Follower>
Sums run_and_sum(Cuda const& device, Grid grid, F const kernel, Follower const follower,
                 SumScratch<Cuda>& scratch) {
  Sums const total = run_and_sum(device, grid, kernel, scratch);
  for_each_voxel(device, grid, follower);
  return total;
}

#endif

}  // namespace qsm
