#include "mask/brain_surface.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/select.hpp"
#include "mask/brain_core.hpp"
#include "mask/even_image.hpp"
#include "mask/icosphere.hpp"
#include "mask/morphology.hpp"
#include "mask/rasterize.hpp"
#include "mask/self_intersection.hpp"
#include "mask/surface_evolution.hpp"
#include "math/components.hpp"

namespace qsm {
namespace {

constexpr int kSubdivisions = 4;  // 2562 vertices
constexpr int kStifferRuns = 3;   // at most, each with 1.5 times the radii of curvature

struct DarkenOutside {
  Field<std::uint8_t const> region;
  Field<float> image;
  QSM_HD void operator()(Index3 i) const {
    if (region[i] == 0) image[i] = 0;
  }
};

Vec3d position(Index3 i, Vec3d h) {
  return {i.x * h.x, i.y * h.y, i.z * h.z};
}

struct Sphere {
  Vec3d centre;
  double radius = 0;
};

/// Centre of mass of what is above the threshold, values cut at `bright`; the radius of its volume.
Sphere sphere_of(Field<float const> image, Vec3d h, GreyLevels const& levels, double bright) {
  double mass = 0, count = 0;
  Vec3d moment;
  for (std::size_t n = 0; n < image.size(); ++n) {
    double const value = static_cast<double>(image.data[n]);
    if (value <= levels.threshold) continue;
    double const weight = std::min(value, bright) - levels.dark;
    moment = moment + weight * position(image.grid.index(n), h);
    mass += weight;
    ++count;
  }
  double const volume = count * h.x * h.y * h.z;
  return {(1 / mass) * moment, std::cbrt(3 * volume / (4 * std::numbers::pi))};
}

/// Median of what lies between `dark` and `bright` in the sphere.
double median_inside(Field<float const> image, Vec3d h, Sphere const& sphere,
                     GreyLevels const& levels, double bright) {
  std::vector<float> values;
  for (std::size_t n = 0; n < image.size(); ++n) {
    Vec3d const d = position(image.grid.index(n), h) - sphere.centre;
    double const value = static_cast<double>(image.data[n]);
    if (dot(d, d) <= sphere.radius * sphere.radius && value > levels.dark && value < bright)
      values.push_back(image.data[n]);
  }
  require(!values.empty(), "NO_CONTRAST", "nothing in the middle of the head is brighter than air");
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

/// The surface, grown anew under more smoothing for as long as it runs through itself.
Mesh brain_surface(Field<float const> image, Vec3d h, Sphere const& sphere,
                   GreyLevels const& levels, double fractional_intensity) {
  EvolutionOptions evolution{.fractional_intensity = fractional_intensity};
  for (int run = 0;; ++run, evolution.smoothing *= 1.5) {
    Mesh surface = icosphere(kSubdivisions);
    for (Vec3d& v : surface.vertices) v = sphere.centre + (0.5 * sphere.radius) * v;
    evolve_surface(image, h, levels, evolution, surface);
    if (run == kStifferRuns || !self_intersects(surface)) return surface;
  }
}

}  // namespace

template <class Device>
std::size_t brain_mask(Device const& device, Field<float const> magnitude, Vec3d voxel_mm,
                       MaskOptions const& options, Field<std::uint8_t> mask) {
  validate(options);
  auto image = even_image(device, magnitude, voxel_mm);
  auto const q = percentiles(device, image.view(), {}, {2, 98});
  require(q[1] > 0, "EMPTY_MASK", "98 % of the magnitude are zero");
  require(q[1] > 1.01 * q[0], "NO_CONTRAST", "the magnitude is the same everywhere");
  GreyLevels levels{.dark = q[0], .threshold = q[0] + 0.1 * (q[1] - q[0]), .middle = q[1]};
  brain_region(device, image.view(), voxel_mm, mask);
  for_each_voxel(device, image.grid(), DarkenOutside{mask, image.field()});

  auto const values = image.to_host();
  Field<float const> const host{values.data(), image.grid()};
  Sphere const sphere = sphere_of(host, voxel_mm, levels, q[1]);
  levels.middle = median_inside(host, voxel_mm, sphere, levels, q[1]);
  Mesh const surface = brain_surface(host, voxel_mm, sphere, levels, options.fractional_intensity);
  auto const inside = rasterize(surface, mask.grid, voxel_mm);
  copy_from_host(device, mask.data, inside.data(), inside.size());

  keep_largest_component(device, mask);
  fill_holes(device, mask, options.max_hole_fraction);
  return erode_rim(device, mask, voxel_mm, options.erode_mm);
}

template std::size_t brain_mask(ThisDevice const&, Field<float const>, Vec3d, MaskOptions const&,
                                Field<std::uint8_t>);

}  // namespace qsm
