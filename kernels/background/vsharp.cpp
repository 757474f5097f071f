#include "background/vsharp.hpp"

#include <string>

#include "background/shells.hpp"
#include "device/fft.hpp"
#include "device/launch.hpp"
#include "math/spherical_mean.hpp"

namespace qsm {
namespace {

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

/// Keeps the filtered values of one shell.
struct KeepShell {
  Field<float const> filtered;
  Field<std::uint8_t const> shell;
  std::uint8_t wanted;
  Window window;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    if (shell[i + window.origin] == wanted) out[i] = filtered[i];
  }
};

struct Multiply {
  Field<float const> factor;
  Field<Complex> spectrum;
  QSM_HD void operator()(Index3 k) const { spectrum[k] = factor[k] * spectrum[k]; }
};

struct StoreLocal {
  Field<float const> local;
  Field<std::uint8_t const> shell;
  std::uint8_t count;
  Window window;
  Field<float> local_ppm;
  Field<std::uint8_t> eroded_mask;
  QSM_HD void operator()(Index3 i) const {
    bool const kept = some_ball_fits(shell[i], count);
    eroded_mask[i] = kept;
    local_ppm[i] = kept ? local[i - window.origin] : 0.0f;
  }
};

Grid working_grid(Grid box, Vec3d voxel_mm, double radius_mm) {
  auto const pad = [=](int n, double h) { return n + static_cast<int>(std::ceil(radius_mm / h)); };
  return fast_real_grid(
      {pad(box.nx, voxel_mm.x), pad(box.ny, voxel_mm.y), pad(box.nz, voxel_mm.z)});
}

}  // namespace

template <class Device>
void vsharp(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
            Field<std::uint8_t const> mask, VsharpOptions const& options, Field<float> local_ppm,
            Field<std::uint8_t> eroded_mask, Control const& control) {
  require(
      options.threshold > 0 && options.threshold < 1, "INVALID_THRESHOLD",
      "the V-SHARP threshold is " + std::to_string(options.threshold) + "; it must be in (0, 1)");
  auto const shells =
      find_shells(device, voxel_mm, total_ppm, mask,
                  options.radii_mm.empty() ? vsharp_radii(voxel_mm) : options.radii_mm);
  auto const& radii = shells.radii_mm;
  Window const box = shells.box;

  Grid const grid = working_grid(box.grid, voxel_mm, radii.front());
  RealFft<Device> const fft(device, grid);
  Buffer<Device, float> volume(device, grid);
  Buffer<Device, float> filtered(device, grid);
  Buffer<Device, Complex> total(device, fft.half());
  Buffer<Device, Complex> spectrum(device, fft.half());
  Buffer<Device, float> inverse(device, fft.half());

  for_each_voxel(device, grid, EmbedMasked{total_ppm, shells.index.view(), box, volume.field()});
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
                             .shell = shells.index.view(),
                             .wanted = static_cast<std::uint8_t>(k + 1),
                             .window = box,
                             .out = filtered.field()});
    control.report({static_cast<int>(k) + 1, static_cast<int>(radii.size()), 0});
  }
  fft.forward(filtered.view(), spectrum.field());
  for_each_voxel(device, fft.half(), Multiply{inverse.view(), spectrum.field()});
  fft.inverse(spectrum.field(), volume.field());
  for_each_voxel(device, mask.grid,
                 StoreLocal{.local = volume.view(),
                            .shell = shells.index.view(),
                            .count = shells.count(),
                            .window = box,
                            .local_ppm = local_ppm,
                            .eroded_mask = eroded_mask});
}

template void vsharp(ThisDevice const&, Vec3d, Field<float const>, Field<std::uint8_t const>,
                     VsharpOptions const&, Field<float>, Field<std::uint8_t>, Control const&);

}  // namespace qsm
