/// Sums and extrema over voxels, accumulated in double.
///
///   double sum_over(device, grid, f)   f(Index3) -> double
///   double max_over(device, grid, f)
///
/// CPU: one partial per row, combined in row order, so the result does not depend on the number of
/// threads (a Thrust OpenMP reduction does). CUDA: Thrust, deterministic on one device.
/// Synchronises: use only where the number is needed.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "device/device.hpp"
#include "device/grid.hpp"

#if defined(__CUDACC__)
#include <thrust/iterator/counting_iterator.h>
#include <thrust/transform_reduce.h>

#include "device/thrust_policy.hpp"
#endif

namespace qsm {

namespace detail {

struct Plus {
  QSM_HD double operator()(double a, double b) const { return a + b; }
};
struct Maximum {
  QSM_HD double operator()(double a, double b) const { return a > b ? a : b; }
};

template <class F, class Combine>
double reduce(Cpu const&, Grid grid, F const f, double start, Combine combine) {
  static thread_local std::vector<double> rows;  // grows once, so that iterations do not allocate
  std::size_t const count = static_cast<std::size_t>(grid.ny) * static_cast<std::size_t>(grid.nz);
  rows.resize(std::max(rows.size(), count));
  double* const partial = rows.data();
#pragma omp parallel for collapse(2) schedule(static)
  for (int z = 0; z < grid.nz; ++z)
    for (int y = 0; y < grid.ny; ++y) {
      double row = start;
      for (int x = 0; x < grid.nx; ++x) row = combine(row, static_cast<double>(f(Index3{x, y, z})));
      partial[static_cast<std::size_t>(z) * static_cast<std::size_t>(grid.ny) +
              static_cast<std::size_t>(y)] = row;
    }
  double total = start;
  for (std::size_t r = 0; r < count; ++r) total = combine(total, partial[r]);
  return total;
}

#if defined(__CUDACC__)
template <class F>
struct AtLinear {
  F f;
  Grid grid;
  QSM_HD double operator()(std::size_t n) const { return static_cast<double>(f(grid.index(n))); }
};

template <class F, class Combine>
double reduce(Cuda const& device, Grid grid, F const f, double start, Combine combine) {
  thrust::counting_iterator<std::size_t> const first(0);
  StreamScratch scratch(device);
  return thrust::transform_reduce(thrust_policy(device, scratch), first,
                                  first + static_cast<std::ptrdiff_t>(grid.size()),
                                  AtLinear<F>{f, grid}, start, combine);
}
#endif

}  // namespace detail

template <class Device, class F>
double sum_over(Device const& device, Grid grid, F const f) {
  return detail::reduce(device, grid, f, 0.0, detail::Plus{});
}

/// -infinity for an empty grid.
template <class Device, class F>
double max_over(Device const& device, Grid grid, F const f) {
  return detail::reduce(device, grid, f, -std::numeric_limits<double>::infinity(),
                        detail::Maximum{});
}

}  // namespace qsm
