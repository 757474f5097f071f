#include "math/distance_transform.hpp"

#include <limits>

#include "device/buffer.hpp"
#include "device/launch.hpp"

namespace qsm {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// 0 at the sites, infinity elsewhere. Sites are the background, or the mask when dilating.
struct MarkSites {
  Field<std::uint8_t const> mask;
  bool mask_is_site;
  Field<double> squared;
  QSM_HD void operator()(Index3 i) const {
    squared[i] = (mask[i] != 0) == mask_is_site ? 0.0 : kInfinity;
  }
};

/// out[n] = min_k in[n + k] + h^2 k^2 along one axis; beyond the border lies `outside`. A result
/// above `limit` is only known to be above it.
struct NearestAlong {
  Field<double const> in;
  int axis;
  double square;  // h^2
  double outside;
  double limit;
  Field<double> out;
  QSM_HD void operator()(Index3 i) const {
    int const c = axis == 0 ? i.x : axis == 1 ? i.y : i.z;
    int const n = in.grid.extent(axis);
    std::size_t const stride =
        axis == 0 ? 1 : static_cast<std::size_t>(in.grid.nx) * (axis == 1 ? 1 : in.grid.ny);
    double const* const here = &in[i];
    double best = *here;
    for (int k = 1; c - k >= -1 || c + k <= n; ++k) {
      double const step = square * k * k;
      if (step >= best || step > limit) break;
      std::size_t const away = static_cast<std::size_t>(k) * stride;
      double const below = c - k >= 0 ? *(here - away) : outside;
      double const above = c + k < n ? *(here + away) : outside;
      double const nearer = below < above ? below : above;
      if (nearer + step < best) best = nearer + step;
    }
    out[i] = best;
  }
};

struct SquareRoot {
  Field<double const> squared;
  Field<float> distance;
  QSM_HD void operator()(Index3 i) const { distance[i] = static_cast<float>(sqrt(squared[i])); }
};

struct Compare {
  Field<double const> squared;
  double limit;
  bool beyond;
  Field<std::uint8_t> out;
  QSM_HD void operator()(Index3 i) const { out[i] = (squared[i] > limit) == beyond; }
};

struct Search {
  bool mask_is_site;
  double limit;
};

template <class Device>
Buffer<Device, double> squared_distance(Device const& device, Field<std::uint8_t const> mask,
                                        Vec3d voxel_mm, Search search) {
  Buffer<Device, double> from(device, mask.grid);
  Buffer<Device, double> to(device, mask.grid);
  for_each_voxel(
      device, mask.grid,
      MarkSites{.mask = mask, .mask_is_site = search.mask_is_site, .squared = from.field()});
  for (int axis : {0, 1, 2}) {
    for_each_voxel(device, mask.grid,
                   NearestAlong{.in = from.view(),
                                .axis = axis,
                                .square = voxel_mm[axis] * voxel_mm[axis],
                                .outside = search.mask_is_site ? kInfinity : 0.0,
                                .limit = search.limit,
                                .out = to.field()});
    std::swap(from, to);
  }
  return from;
}

// Distances of whole voxels equal the radius exactly in decimals, not in binary.
double squared_limit(double radius_mm) {
  return radius_mm * radius_mm * (1 + 2e-6);
}

}  // namespace

template <class Device>
void distance_to_background(Device const& device, Field<std::uint8_t const> mask, Vec3d voxel_mm,
                            Field<float> distance_mm, double most_mm) {
  auto const squared = squared_distance(device, mask, voxel_mm,
                                        {.mask_is_site = false, .limit = squared_limit(most_mm)});
  for_each_voxel(device, mask.grid, SquareRoot{squared.view(), distance_mm});
}

template <class Device>
void erode(Device const& device, Field<std::uint8_t const> mask, Vec3d voxel_mm, double radius_mm,
           Field<std::uint8_t> out) {
  double const limit = squared_limit(radius_mm);
  auto const squared =
      squared_distance(device, mask, voxel_mm, {.mask_is_site = false, .limit = limit});
  for_each_voxel(device, mask.grid, Compare{squared.view(), limit, true, out});
}

template <class Device>
void dilate(Device const& device, Field<std::uint8_t const> mask, Vec3d voxel_mm, double radius_mm,
            Field<std::uint8_t> out) {
  double const limit = squared_limit(radius_mm);
  auto const squared =
      squared_distance(device, mask, voxel_mm, {.mask_is_site = true, .limit = limit});
  for_each_voxel(device, mask.grid, Compare{squared.view(), limit, false, out});
}

template void distance_to_background(ThisDevice const&, Field<std::uint8_t const>, Vec3d,
                                     Field<float>, double);
template void erode(ThisDevice const&, Field<std::uint8_t const>, Vec3d, double,
                    Field<std::uint8_t>);
template void dilate(ThisDevice const&, Field<std::uint8_t const>, Vec3d, double,
                     Field<std::uint8_t>);

}  // namespace qsm
