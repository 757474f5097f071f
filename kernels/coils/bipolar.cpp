#include "coils/bipolar.hpp"

#include <cmath>
#include <numbers>
#include <string>

#include "device/error.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/count.hpp"
#include "math/finite.hpp"
#include "math/gaussian.hpp"

namespace qsm {
namespace {

struct MakeResidual {
  Field<float const> magnitude1, magnitude3;
  Field<float const> phase1, phase2, phase3;
  Field<std::uint8_t const> mask;
  float k;
  Field<float const> estimate;
  Field<Complex> residual;
  QSM_HD void operator()(Index3 i) const {
    float const a = phase1[i] + phase3[i] - k * phase2[i] - estimate[i];
    float const weight = magnitude1[i] * magnitude3[i];
    residual[i] = mask[i] && is_finite(a) && is_finite(weight)
                      ? Complex{weight * cosf(a), weight * sinf(a)}
                      : Complex{};
  }
};

struct AddAngle {
  Field<Complex const> smooth;
  Field<std::uint8_t const> mask;
  Field<float> estimate;
  QSM_HD void operator()(Index3 i) const {
    Complex const z = smooth[i];
    estimate[i] = mask[i] ? wrap(estimate[i] + atan2f(z.im, z.re)) : 0.0f;
  }
};

struct MaskedValue {
  Field<float const> value;
  Field<std::uint8_t const> mask;
  QSM_HD double operator()(Index3 i) const { return mask[i] ? static_cast<double>(value[i]) : 0; }
};

struct TakeOff {
  Field<float const> residual;
  Field<std::uint8_t const> mask;
  float turn, factor;
  Field<float> phase;
  QSM_HD void operator()(Index3 i) const {
    if (mask[i]) phase[i] = wrap(phase[i] - factor * (residual[i] - turn));
  }
};

BipolarModel model_of(std::vector<double> const& te_s) {
  BipolarModel model;
  model.k = (te_s[0] + te_s[2]) / te_s[1];
  model.m = te_s[0] / (te_s[1] - te_s[0]);
  model.g = (2 - model.k) * model.m - model.k;
  return model;
}

bool is_usable(BipolarModel const& model) {
  return std::isfinite(model.g) && std::abs(model.g) >= 0.1;
}

}  // namespace

BipolarModel bipolar_model(std::vector<double> const& te_s) {
  require(te_s.size() >= 3, "TOO_FEW_ECHOES",
          "the bipolar correction needs three echoes and got " + std::to_string(te_s.size()));
  BipolarModel const model = model_of(te_s);
  require(is_usable(model), "BIPOLAR_ECHO_TIMES",
          "these echo times do not show what alternates between odd and even echoes");
  return model;
}

bool shows_bipolar(std::vector<double> const& te_s) {
  return te_s.size() >= 3 && is_usable(model_of(te_s));
}

template <class Device>
void bipolar_residual(Device const& device, Vec3d voxel_mm, BipolarModel const& model,
                      CombinedPhases const& echoes, Field<float const> second_rad,
                      Field<std::uint8_t const> mask, double sigma_mm, Field<float> residual_rad) {
  constexpr double kMinSigmaVoxels = 3;
  // A mean weighted by a signal that varies, or cut by the mask, leans to the brighter side: a ramp
  // under receive loops comes out 1.07 times too steep, 1.015 times after a second pass.
  constexpr int kPasses = 3;
  Buffer<Device, Complex> phasor(device, mask.grid), smooth(device, mask.grid);
  auto const filter =
      SeparableFilter<Device>::gaussian(device, mask.grid, voxel_mm, sigma_mm, kMinSigmaVoxels);
  fill_zero(device, residual_rad.data, residual_rad.size() * sizeof(float));
  for (int pass = 0; pass < kPasses; ++pass) {
    for_each_voxel(device, mask.grid,
                   MakeResidual{.magnitude1 = echoes.magnitude[0],
                                .magnitude3 = echoes.magnitude[2],
                                .phase1 = echoes.phase_rad[0],
                                .phase2 = second_rad,
                                .phase3 = echoes.phase_rad[2],
                                .mask = mask,
                                .k = static_cast<float>(model.k),
                                .estimate = residual_rad,
                                .residual = phasor.field()});
    filter.run(phasor.field(), smooth.field());
    for_each_voxel(device, mask.grid, AddAngle{smooth.view(), mask, residual_rad});
  }
}

template <class Device>
void remove_bipolar(Device const& device, BipolarModel const& model,
                    Field<float const> residual_rad, Field<std::uint8_t const> mask,
                    CombinedPhases const& echoes) {
  constexpr double kTwoPi = 2 * std::numbers::pi;
  auto const count = static_cast<double>(count_voxels(device, mask));
  require(count > 0, "EMPTY_MASK", "the mask has no voxel");
  double const mean = sum_over(device, mask.grid, MaskedValue{residual_rad, mask}) / count;
  double const turn = model.k_is_whole() ? kTwoPi * std::rint(mean / kTwoPi) : mean;
  for (std::size_t e = 0; e < echoes.phase_rad.size(); ++e) {
    double const share = e % 2 == 0 ? model.m : model.m + 1;
    for_each_voxel(device, mask.grid,
                   TakeOff{.residual = residual_rad,
                           .mask = mask,
                           .turn = static_cast<float>(turn),
                           .factor = static_cast<float>(share / model.g),
                           .phase = echoes.phase_rad[e]});
  }
}

template void bipolar_residual(ThisDevice const&, Vec3d, BipolarModel const&, CombinedPhases const&,
                               Field<float const>, Field<std::uint8_t const>, double, Field<float>);
template void remove_bipolar(ThisDevice const&, BipolarModel const&, Field<float const>,
                             Field<std::uint8_t const>, CombinedPhases const&);

}  // namespace qsm
