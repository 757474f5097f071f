#include "mask/brain_core.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "math/components.hpp"
#include "math/count.hpp"
#include "math/distance_transform.hpp"
#include "math/gaussian.hpp"

namespace qsm {
namespace {

constexpr double kBlur_mm = 2;
constexpr float kTissue = 0.75f;     // of the local average
constexpr double kBall = 0.12;       // of the radius of a ball with the tissue's volume
constexpr double kMargin_mm = 2;     // of dark skull
constexpr double kSmallHole = 1e-3;  // of the volume: vessels and noise, never the skull

struct Above {
  Field<float const> value;
  float threshold;
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const { mask[i] = value[i] > threshold; }
};

/// What a Gaussian has to add to a voxel's own width, half its edge.
std::vector<float> blur_taps(double edge_mm) {
  double const missing = kBlur_mm * kBlur_mm - edge_mm * edge_mm / 4;
  return gaussian_taps(std::sqrt(std::max(missing, 0.0)) / edge_mm);
}

template <class Device>
void mark_tissue(Device const& device, Field<float const> image, Vec3d voxel_mm,
                 Field<std::uint8_t> tissue) {
  Buffer<Device, float> scratch(device, image.grid), blurred(device, image.grid);
  copy_on_device(device, scratch.field().data, image.data, scratch.bytes());
  SeparableFilter<Device>(device, image.grid, blur_taps(voxel_mm.x), blur_taps(voxel_mm.y),
                          blur_taps(voxel_mm.z))
      .run(scratch.field(), blurred.field());
  for_each_voxel(device, image.grid, Above{blurred.view(), kTissue, tissue});
  fill_holes(device, tissue, kSmallHole);
}

}  // namespace

template <class Device>
std::size_t brain_region(Device const& device, Field<float const> image, Vec3d voxel_mm,
                         Field<std::uint8_t> region) {
  mark_tissue(device, image, voxel_mm, region);
  double const volume = static_cast<double>(count_voxels<Device>(device, region)) * voxel_mm.x *
                        voxel_mm.y * voxel_mm.z;
  double const ball_mm = kBall * std::cbrt(3 * volume / (4 * std::numbers::pi));
  erode(device, region, voxel_mm, ball_mm, region);
  require(count_voxels<Device>(device, region) > 0, "NO_BRAIN",
          "no ball of " + std::to_string(ball_mm) + " mm fits into the tissue");
  keep_largest_component(device, region);
  dilate(device, region, voxel_mm, ball_mm + kMargin_mm, region);
  return count_voxels<Device>(device, region);
}

template std::size_t brain_region(ThisDevice const&, Field<float const>, Vec3d,
                                  Field<std::uint8_t>);

}  // namespace qsm
