#include "background/vsharp.hpp"

#include <string>

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/distance_transform.hpp"
#include "math/finite.hpp"
#include "math/pad.hpp"
#include "math/spherical_mean.hpp"

namespace qsm {
namespace {

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

struct EmbedMasked {
  Field<float const> from;
  Field<std::uint8_t const> mask;
  Window window;
  Field<float> to;
  QSM_HD void operator()(Index3 i) const {
    Index3 const n = i + window.origin;
    to[i] = window.grid.contains(i) && mask[n] ? from[n] : 0.0f;
  }
};

/// out = (1 - S) F. S is real because the ball is symmetric.
struct SubtractMean {
  Field<Complex const> total, ball;
  float scale;  // 1/N of the transform pair
  Field<Complex> out;
  QSM_HD void operator()(Index3 k) const { out[k] = (scale * (1 - ball[k].re)) * total[k]; }
};

/// 1 / (1 - S) of the largest ball, 0 where |1 - S| is small and at DC, where S = 1.
struct InvertLargest {
  Field<Complex const> ball;
  float threshold, scale;
  Field<float> out;
  QSM_HD void operator()(Index3 k) const {
    float const remaining = 1 - ball[k].re;
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    out[k] = dc || fabsf(remaining) < threshold ? 0.0f : scale / remaining;
  }
};

/// Keeps the values of the voxels whose largest fitting ball has this radius.
struct KeepShell {
  Field<float const> filtered, distance_mm;
  float above, up_to;
  Window window;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    float const d = distance_mm[i + window.origin];
    if (d > above && d <= up_to) out[i] = filtered[i];
  }
};

struct Multiply {
  Field<float const> factor;
  Field<Complex> spectrum;
  QSM_HD void operator()(Index3 k) const { spectrum[k] = factor[k] * spectrum[k]; }
};

struct StoreLocal {
  Field<float const> local, distance_mm;
  float last_radius;
  Window window;
  Field<float> local_ppm;
  Field<std::uint8_t> eroded_mask;
  QSM_HD void operator()(Index3 i) const {
    bool const kept = distance_mm[i] > last_radius;
    eroded_mask[i] = kept;
    local_ppm[i] = kept ? local[i - window.origin] : 0.0f;
  }
};

/// Distances of whole voxels equal a radius in decimals, not in binary.
float beyond(double radius_mm) {
  return static_cast<float>(radius_mm * (1 + 1e-6));
}

/// The options' radii, or the defaults, without those too large for any voxel of this mask.
std::vector<double> usable_radii(Vec3d voxel_mm, VsharpOptions const& options, double deepest_mm) {
  auto radii = options.radii_mm.empty() ? vsharp_radii(voxel_mm) : options.radii_mm;
  for (std::size_t k = 0; k < radii.size(); ++k)
    require(std::isfinite(radii[k]) && radii[k] > 0 && (k == 0 || radii[k] < radii[k - 1]),
            "INVALID_RADII", "V-SHARP radii must be positive and strictly decreasing");
  double const last = radii.back();
  require(deepest_mm > static_cast<double>(beyond(last)), "MASK_TOO_THIN",
          "no voxel of the mask lies deeper than " + std::to_string(last) +
              " mm, the smallest V-SHARP radius; the deepest is at " + std::to_string(deepest_mm) +
              " mm");
  std::erase_if(radii, [=](double r) { return static_cast<double>(beyond(r)) >= deepest_mm; });
  return radii;
}

Grid working_grid(Grid box, Vec3d voxel_mm, double radius_mm) {
  auto const pad = [=](int n, double h) { return n + static_cast<int>(std::ceil(radius_mm / h)); };
  return fast_grid({pad(box.nx, voxel_mm.x), pad(box.ny, voxel_mm.y), pad(box.nz, voxel_mm.z)});
}

}  // namespace

template <class Device>
void vsharp(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
            Field<std::uint8_t const> mask, VsharpOptions const& options, Field<float> local_ppm,
            Field<std::uint8_t> eroded_mask, Control const& control) {
  require(
      options.threshold > 0 && options.threshold < 1, "INVALID_THRESHOLD",
      "the V-SHARP threshold is " + std::to_string(options.threshold) + "; it must be in (0, 1)");
  Buffer<Device, std::uint8_t> usable(device, mask.grid);
  for_each_voxel(device, mask.grid, UsableVoxels{total_ppm, mask, usable.field()});
  Window const box = bounding_window(device, usable.view());
  Buffer<Device, float> distance(device, mask.grid);
  distance_to_background(device, usable.view(), voxel_mm, distance.field());
  auto const radii =
      usable_radii(voxel_mm, options, max_over(device, mask.grid, Distance{distance.view()}));

  Grid const grid = working_grid(box.grid, voxel_mm, radii.front());
  RealFft<Device> const fft(device, grid);
  Buffer<Device, float> volume(device, grid);
  Buffer<Device, float> filtered(device, grid);
  Buffer<Device, Complex> total(device, fft.half());
  Buffer<Device, Complex> spectrum(device, fft.half());
  Buffer<Device, float> inverse(device, fft.half());

  for_each_voxel(device, grid, EmbedMasked{total_ppm, usable.view(), box, volume.field()});
  fft.forward(volume.view(), total.field());
  filtered.zero();
  for (std::size_t k = 0; k < radii.size(); ++k) {
    place_ball(device, ball_weights(voxel_mm, radii[k], options.moment_match), volume.field());
    fft.forward(volume.view(), spectrum.field());
    if (k == 0)
      for_each_voxel(device, fft.half(),
                     InvertLargest{spectrum.view(), static_cast<float>(options.threshold),
                                   fft.scale(), inverse.field()});
    for_each_voxel(device, fft.half(),
                   SubtractMean{total.view(), spectrum.view(), fft.scale(), spectrum.field()});
    fft.inverse(spectrum.field(), volume.field());
    for_each_voxel(device, box.grid,
                   KeepShell{.filtered = volume.view(),
                             .distance_mm = distance.view(),
                             .above = beyond(radii[k]),
                             .up_to = k == 0 ? 1e30f : beyond(radii[k - 1]),
                             .window = box,
                             .out = filtered.field()});
    control.report({static_cast<int>(k) + 1, static_cast<int>(radii.size()), 0});
  }
  fft.forward(filtered.view(), spectrum.field());
  for_each_voxel(device, fft.half(), Multiply{inverse.view(), spectrum.field()});
  fft.inverse(spectrum.field(), volume.field());
  for_each_voxel(device, mask.grid,
                 StoreLocal{.local = volume.view(),
                            .distance_mm = distance.view(),
                            .last_radius = beyond(radii.back()),
                            .window = box,
                            .local_ppm = local_ppm,
                            .eroded_mask = eroded_mask});
}

template void vsharp(ThisDevice const&, Vec3d, Field<float const>, Field<std::uint8_t const>,
                     VsharpOptions const&, Field<float>, Field<std::uint8_t>, Control const&);

}  // namespace qsm
