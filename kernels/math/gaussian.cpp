#include "math/gaussian.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "device/launch.hpp"

namespace qsm {
namespace {

/// `Lanes` neighbouring floats of a row at once. A complex row is a float row of twice the length,
/// whose taps along x lie two floats apart. On the CPU the lanes are vector registers; a GPU thread
/// has one.
template <int Lanes>
struct FilterLanes {
  float const* in;
  float* out;
  float const* taps;
  float const* scale;
  int radius;
  int axis;
  int row;         // floats per row
  int components;  // 1 or 2
  Grid grid;

  /// Index3{lane block, y, z}, or {lane block, z, y} for axis 2: consecutive outputs share inputs.
  QSM_HD void operator()(Index3 i) const {
    if (axis == 2) i = {i.x, i.z, i.y};
    int const x = i.x * Lanes;
    int const lanes = row - x < Lanes ? row - x : Lanes;
    std::size_t const here = static_cast<std::size_t>(row) * grid.linear({0, i.y, i.z}) /
                                 static_cast<std::size_t>(grid.nx) +
                             static_cast<std::size_t>(x);
    float sum[Lanes] = {};
    if (axis == 0)
      add_along_row(in + here, x, lanes, sum);
    else
      add_across_rows(in + here, axis == 1 ? i.y : i.z, lanes, sum);
    for (int l = 0; l < lanes; ++l) {
      int const position = axis == 0 ? (x + l) / components : axis == 1 ? i.y : i.z;
      out[here + static_cast<std::size_t>(l)] = scale[position] * sum[l];
    }
  }

  QSM_HD void add_across_rows(float const* at, int position, int lanes, float* sum) const {
    auto const stride = static_cast<std::ptrdiff_t>(row) * (axis == 1 ? 1 : grid.ny);
    int const n = grid.extent(axis);
    int const first = position < radius ? -position : -radius;
    int const last = n - 1 - position < radius ? n - 1 - position : radius;
    for (int t = first; t <= last; ++t) add(at + t * stride, taps[t < 0 ? -t : t], 0, lanes, sum);
  }

  QSM_HD void add_along_row(float const* at, int x, int lanes, float* sum) const {
    for (int t = -radius; t <= radius; ++t) {
      int const moved = x + t * components;
      int const first = moved < 0 ? -moved : 0;
      int const last = row - moved < lanes ? row - moved : lanes;
      if (first < last)
        add(at + static_cast<std::ptrdiff_t>(t) * components, taps[t < 0 ? -t : t], first, last,
            sum);
    }
  }

  QSM_HD static void add(float const* from, float weight, int first, int last, float* sum) {
    if (first == 0 && last == Lanes)
      for (int l = 0; l < Lanes; ++l) sum[l] += weight * from[l];
    else
      for (int l = first; l < last; ++l) sum[l] += weight * from[l];
  }
};

}  // namespace

std::vector<float> gaussian_taps(double sigma_voxels) {
  std::vector<float> taps{1.0f};
  int const radius = static_cast<int>(std::ceil(3 * sigma_voxels));
  for (int t = 1; t <= radius; ++t)
    taps.push_back(static_cast<float>(std::exp(-0.5 * t * t / (sigma_voxels * sigma_voxels))));
  return taps;
}

std::vector<float> box_taps(int radius) {
  return std::vector<float>(static_cast<std::size_t>(radius) + 1, 1.0f);
}

template <class Device>
SeparableFilter<Device>::SeparableFilter(Device const& device, Grid grid,
                                         std::vector<float> const& x, std::vector<float> const& y,
                                         std::vector<float> const& z)
    : device_(device),
      grid_(grid),
      axes_{make_axis(grid.nx, x), make_axis(grid.ny, y), make_axis(grid.nz, z)} {}

template <class Device>
SeparableFilter<Device> SeparableFilter<Device>::gaussian(Device const& device, Grid grid,
                                                          Vec3d voxel_mm, double sigma_mm,
                                                          double min_sigma_voxels) {
  auto const taps = [&](double edge_mm) {
    return gaussian_taps(std::max(sigma_mm / edge_mm, min_sigma_voxels));
  };
  return SeparableFilter(device, grid, taps(voxel_mm.x), taps(voxel_mm.y), taps(voxel_mm.z));
}

template <class Device>
typename SeparableFilter<Device>::Axis SeparableFilter<Device>::make_axis(
    int extent, std::vector<float> const& taps) const {
  int const radius = static_cast<int>(taps.size()) - 1;
  std::vector<float> scale;
  for (int n = 0; n < extent; ++n) {
    double inside = 0;
    for (int t = -radius; t <= radius; ++t)
      if (n + t >= 0 && n + t < extent)
        inside += static_cast<double>(taps[static_cast<std::size_t>(std::abs(t))]);
    scale.push_back(static_cast<float>(1 / inside));
  }
  return {Buffer<Device, float>(device_, {radius + 1, 1, 1}, taps),
          Buffer<Device, float>(device_, {extent, 1, 1}, scale)};
}

template <class Device>
void SeparableFilter<Device>::pass(int axis, int components, float const* in, float* out) const {
  constexpr int kLanes = std::is_same_v<Device, Cpu> ? 64 : 1;
  int const row = grid_.nx * components;
  int const blocks = (row + kLanes - 1) / kLanes;
  Grid const launch =
      axis == 2 ? Grid{blocks, grid_.nz, grid_.ny} : Grid{blocks, grid_.ny, grid_.nz};
  for_each_voxel(device_, launch,
                 FilterLanes<kLanes>{.in = in,
                                     .out = out,
                                     .taps = axes_[axis].taps.view().data,
                                     .scale = axes_[axis].scale.view().data,
                                     .radius = axes_[axis].taps.grid().nx - 1,
                                     .axis = axis,
                                     .row = row,
                                     .components = components,
                                     .grid = grid_});
}

template <class Device>
void SeparableFilter<Device>::run(Field<float> in, Field<float> out) const {
  pass(0, 1, in.data, out.data);
  pass(1, 1, out.data, in.data);
  pass(2, 1, in.data, out.data);
}

template <class Device>
void SeparableFilter<Device>::run(Field<Complex> in, Field<Complex> out) const {
  float* const a = &in.data->re;
  float* const b = &out.data->re;
  pass(0, 2, a, b);
  pass(1, 2, b, a);
  pass(2, 2, a, b);
}

template class SeparableFilter<ThisDevice>;

}  // namespace qsm
