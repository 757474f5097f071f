#include "background/shells.hpp"

#include <cmath>
#include <string>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/distance_transform.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

constexpr std::size_t kMostRadii = 64;

struct UsableVoxels {
  Field<float const> total_ppm;
  Field<std::uint8_t const> mask;
  Field<std::uint8_t> out;
  QSM_HD void operator()(Index3 i) const { out[i] = mask[i] && is_finite(total_ppm[i]); }
};

struct Distance {
  Field<float const> distance_mm;
  QSM_HD double operator()(Index3 i) const { return static_cast<double>(distance_mm[i]); }
};

struct AssignShell {
  Field<float const> distance_mm;
  float radii[kMostRadii];
  int count;
  Field<std::uint8_t> index;
  QSM_HD void operator()(Index3 i) const {
    float const d = distance_mm[i];
    int k = 0;
    while (k < count && d <= radii[k]) ++k;
    index[i] = d > 0 ? static_cast<std::uint8_t>(k + 1) : std::uint8_t{0};
  }
};

/// Distances of whole voxels equal a radius in decimals, not in binary.
float beyond(double radius_mm) {
  return static_cast<float>(radius_mm * (1 + 1e-6));
}

void drop_radii_that_fit_nowhere(std::vector<double>& radii, double deepest_mm) {
  double const last = radii.back();
  require(deepest_mm > static_cast<double>(beyond(last)), "MASK_TOO_THIN",
          "no voxel of the mask lies deeper than " + std::to_string(last) +
              " mm, the smallest V-SHARP radius; the deepest is at " + std::to_string(deepest_mm) +
              " mm");
  std::erase_if(radii, [=](double r) { return static_cast<double>(beyond(r)) >= deepest_mm; });
}

}  // namespace

template <class Device>
Shells<Device> find_shells(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
                           Field<std::uint8_t const> mask, std::vector<double> radii_mm) {
  require(!radii_mm.empty() && radii_mm.size() <= kMostRadii, "INVALID_RADII",
          std::to_string(radii_mm.size()) + " V-SHARP radii; 1 to " + std::to_string(kMostRadii) +
              " are possible");
  for (std::size_t k = 0; k < radii_mm.size(); ++k)
    require(
        std::isfinite(radii_mm[k]) && radii_mm[k] > 0 && (k == 0 || radii_mm[k] < radii_mm[k - 1]),
        "INVALID_RADII", "V-SHARP radii must be positive and strictly decreasing");

  Shells<Device> shells{.box = {}, .radii_mm = std::move(radii_mm), .index = {device, mask.grid}};
  for_each_voxel(device, mask.grid, UsableVoxels{total_ppm, mask, shells.index.field()});
  shells.box = bounding_window(device, shells.index.view());
  Buffer<Device, float> distance(device, mask.grid);
  distance_to_background(device, shells.index.view(), voxel_mm, distance.field(),
                         static_cast<double>(beyond(shells.radii_mm.front())));
  drop_radii_that_fit_nowhere(shells.radii_mm,
                              max_over(device, mask.grid, Distance{distance.view()}));

  AssignShell assign{.distance_mm = distance.view(),
                     .radii = {},
                     .count = shells.count(),
                     .index = shells.index.field()};
  for (int k = 0; k < assign.count; ++k)
    assign.radii[k] = beyond(shells.radii_mm[static_cast<std::size_t>(k)]);
  for_each_voxel(device, mask.grid, assign);
  return shells;
}

template Shells<ThisDevice> find_shells(ThisDevice const&, Vec3d, Field<float const>,
                                        Field<std::uint8_t const>, std::vector<double>);

}  // namespace qsm
