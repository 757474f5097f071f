/// for_each_voxel: the one way a point kernel is run.
///
/// A point kernel is a trivially copyable aggregate with `void operator()(Index3) const`. It gathers
/// from fields it does not write and writes only what belongs to its own index, so the order of the
/// voxels cannot matter. The launch is asynchronous on a GPU.
///
/// Rows on the CPU, not a flat index: no division per voxel (1.7x or more on a stencil). The order of
/// the voxels of a row is the compiler's, which makes vectors of them where it can. Threads take turns
/// at sixteen rows, for a head is not as wide at its top as in its middle.
#pragma once

#include <concepts>
#include <type_traits>

#include "device/device.hpp"
#include "device/error.hpp"
#include "device/grid.hpp"

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#endif

namespace qsm {

template <class F>
concept PointKernel = std::is_trivially_copyable_v<F> && requires(F const f, Index3 i) { f(i); };

namespace detail {

template <class F>
concept TakesInnerIndex = requires { &F::template operator()<InnerIndex3>; };

/// By value and flattened: with every call inlined the compiler knows that the kernel's own fields
/// are not what it writes to, and keeps them in registers.
template <class F>
[[gnu::flatten, gnu::noinline]] void run_row(int nx, int y, int z, F const kernel) {
  if constexpr (TakesInnerIndex<F>) {
    kernel(Index3{0, y, z});
#pragma omp simd
    for (int x = 1; x < nx - 1; ++x) kernel(InnerIndex3{{x, y, z}});
    if (nx > 1) kernel(Index3{nx - 1, y, z});
  } else {
#pragma omp simd
    for (int x = 0; x < nx; ++x) kernel(Index3{x, y, z});
  }
}

}  // namespace detail

template <PointKernel F>
void for_each_voxel(Cpu const&, Grid grid, F const kernel) {
  if (grid.size() == 0) return;
#pragma omp parallel for collapse(2) schedule(static, 16) firstprivate(kernel)
  for (int z = 0; z < grid.nz; ++z)
    for (int y = 0; y < grid.ny; ++y) detail::run_row(grid.nx, y, z, kernel);
}

#if defined(__CUDACC__)

namespace detail {
template <class F>
__global__ void run_kernel(Grid grid, F kernel) {
  int const x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  int const y = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  int const z = static_cast<int>(blockIdx.z);
  if (x < grid.nx && y < grid.ny) kernel(Index3{x, y, z});
}
}  // namespace detail

template <PointKernel F>
void for_each_voxel(Cuda const& device, Grid grid, F const kernel) {
  if (grid.size() == 0) return;
  dim3 const block(32, 8, 1);
  dim3 const blocks((static_cast<unsigned>(grid.nx) + 31) / 32,
                    (static_cast<unsigned>(grid.ny) + 7) / 8, static_cast<unsigned>(grid.nz));
  detail::run_kernel<<<blocks, block, 0, device.stream()>>>(grid, kernel);
  if (auto const status = cudaGetLastError(); status != cudaSuccess)
    throw Error(ErrorCode::kDeviceFailure, "KERNEL_LAUNCH_FAILED", cudaGetErrorString(status));
}

#endif

}  // namespace qsm
