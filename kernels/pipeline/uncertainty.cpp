#include "pipeline/uncertainty.hpp"

#include <cmath>

#include "device/launch.hpp"
#include "math/counter_noise.hpp"
#include "math/finite.hpp"
#include "math/gaussian.hpp"

namespace qsm {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr double kSmoothingMm = 1.5, kMinSmoothingVoxels = 1;

struct DrawNoise {
  Field<float const> noise_ppm, reliable;
  Field<std::uint8_t const> brain;
  std::uint64_t key;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    float const sigma = noise_ppm[i];
    bool const drawn = brain[i] && reliable[i] > 0 && is_finite(sigma);
    out[i] = drawn ? sigma * noise_at(key, out.grid.linear(i)).re : 0.0f;
  }
};

struct AddField {
  Field<float const> local;
  Field<float> noise;
  QSM_HD void operator()(Index3 i) const { noise[i] += local[i]; }
};

/// Welford's update of mean and sum of squared deviations, which loses nothing to cancellation.
struct Observe {
  Field<float const> chi;
  float count;  // with this one
  Field<float> mean, squares;
  QSM_HD void operator()(Index3 i) const {
    float const from_old = chi[i] - mean[i];
    mean[i] += from_old / count;
    squares[i] += from_old * (chi[i] - mean[i]);
  }
};

struct VarianceInMask {
  Field<float const> squares;
  Field<std::uint8_t const> mask;
  float degrees;
  Field<float> variance, inside;
  QSM_HD void operator()(Index3 i) const {
    variance[i] = mask[i] ? squares[i] / degrees : 0.0f;
    inside[i] = mask[i] ? 1.0f : 0.0f;
  }
};

struct RootInMask {
  Field<float const> variance, inside;
  Field<std::uint8_t const> mask;
  Field<float> std_ppm;
  QSM_HD void operator()(Index3 i) const {
    float const v = mask[i] && inside[i] > 0 ? variance[i] / inside[i] : 0.0f;
    std_ppm[i] = v > 0 ? sqrtf(v) : 0.0f;
  }
};

}  // namespace

template <class Device>
void uncertainty(Device const& device, UncertaintyInputs const& in,
                 std::function<void(int, Field<float const>, Field<float>)> const& invert,
                 Field<float> std_ppm, Control const& control) {
  Grid const grid = std_ppm.grid;
  Buffer<Device, float> drawn(device, grid), local(device, grid), chi(device, grid),
      mean(device, grid), squares(device, grid);
  Buffer<Device, std::uint8_t> kept(device, grid);
  mean.zero();
  squares.zero();
  Control const quiet{.stop = control.stop, .on_iteration = {}};
  for (int s = 1; s <= kUncertaintySamples; ++s) {
    for_each_voxel(device, grid,
                   DrawNoise{.noise_ppm = in.noise_ppm,
                             .reliable = in.reliable,
                             .brain = in.brain,
                             .key = noise_key(kSeed, static_cast<std::uint64_t>(s)),
                             .out = drawn.field()});
    remove_background(device, in.voxel_mm, drawn.view(), in.brain, in.reliable, in.background,
                      local.field(), kept.field(), quiet);
    for_each_voxel(device, grid, AddField{in.local_ppm, local.field()});
    invert(s, local.view(), chi.field());
    for_each_voxel(device, grid,
                   Observe{.chi = chi.view(),
                           .count = static_cast<float>(s),
                           .mean = mean.field(),
                           .squares = squares.field()});
    control.check_cancelled();
  }

  auto const smooth = SeparableFilter<Device>::gaussian(device, grid, in.voxel_mm, kSmoothingMm,
                                                        kMinSmoothingVoxels);
  for_each_voxel(device, grid,
                 VarianceInMask{.squares = squares.view(),
                                .mask = in.mask,
                                .degrees = kUncertaintySamples - 1,
                                .variance = drawn.field(),
                                .inside = local.field()});
  smooth.run(drawn.field(), mean.field());
  smooth.run(local.field(), squares.field());
  for_each_voxel(
      device, grid,
      RootInMask{
          .variance = mean.view(), .inside = squares.view(), .mask = in.mask, .std_ppm = std_ppm});
}

template void uncertainty(ThisDevice const&, UncertaintyInputs const&,
                          std::function<void(int, Field<float const>, Field<float>)> const&,
                          Field<float>, Control const&);

}  // namespace qsm
