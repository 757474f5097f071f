#include "pipeline/total_field.hpp"

#include <cmath>
#include <limits>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/gaussian.hpp"
#include "phase/laplacian_unwrap.hpp"
#include "phase/linear_fit.hpp"
#include "phase/temporal_unwrap.hpp"

namespace qsm {
namespace {

constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;

/// m |wrap(w_2 - (phi_1 + turn) TE_2 / TE_1)|
struct TemplateMisfit {
  Field<float const> first, second, magnitude;
  Field<std::uint8_t const> mask;
  float turn, ratio;
  QSM_HD double operator()(Index3 i) const {
    if (!mask[i]) return 0;
    return static_cast<double>(magnitude[i] * fabsf(wrap(second[i] - ratio * (first[i] + turn))));
  }
};

struct Masked {
  Field<float const> value;
  Field<std::uint8_t const> mask;
  QSM_HD double operator()(Index3 i) const { return mask[i] ? static_cast<double>(value[i]) : 0; }
};

struct AddTurn {
  Field<float> phase;
  Field<std::uint8_t const> mask;
  float turn;
  QSM_HD void operator()(Index3 i) const { phase[i] = mask[i] ? phase[i] + turn : 0.0f; }
};

struct MaskedSquare {
  Field<float const> value;
  Field<std::uint8_t const> mask;
  QSM_HD double operator()(Index3 i) const {
    return mask[i] ? static_cast<double>(value[i]) * static_cast<double>(value[i]) : 0;
  }
};

struct HzToPpm {
  Field<float> field;
  float ppm_per_hz;
  QSM_HD void operator()(Index3 i) const { field[i] *= ppm_per_hz; }
};

/// (field, 1) where it counts: the numerator and the denominator of a normalised convolution.
struct PackReliable {
  Field<float const> field, weight;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const {
    packed[i] = weight[i] > 0 ? Complex{field[i], 1.0f} : Complex{};
  }
};

struct FillUnreliable {
  Field<Complex const> average;
  Field<float const> weight;
  Field<std::uint8_t const> mask;
  Field<float> field;
  QSM_HD void operator()(Index3 i) const {
    if (!mask[i] || weight[i] > 0) return;
    Complex const a = average[i];
    field[i] = a.im > 1e-6f ? a.re / a.im : 0.0f;
  }
};

template <class Device>
void fill_unreliable(Device const& device, Vec3d voxel_mm, Field<float const> weight,
                     Field<std::uint8_t const> mask, Field<float> field) {
  constexpr double kSigmaMm = 2;
  Buffer<Device, Complex> packed(device, field.grid);
  Buffer<Device, Complex> average(device, field.grid);
  for_each_voxel(device, field.grid, PackReliable{field, weight, packed.field()});
  SeparableFilter<Device>::gaussian(device, field.grid, voxel_mm, kSigmaMm, 1)
      .run(packed.field(), average.field());
  for_each_voxel(device, field.grid, FillUnreliable{average.view(), weight, mask, field});
}

template <class Device>
double effective_te(Device const& device, ScanDescription const& scan,
                    Field<std::uint8_t const> mask,
                    std::vector<Field<float const>> const& magnitudes) {
  double sum = 0, weighted = 0;
  for (std::size_t e = 0; e < magnitudes.size(); ++e) {
    double const te = scan.te_s[e];
    double const w = te * te * sum_over(device, mask.grid, MaskedSquare{magnitudes[e], mask});
    sum += w;
    weighted += w * te;
  }
  return sum > 0 ? weighted / sum : scan.te_s.back();
}

}  // namespace

template <class Device>
void unwrap_echoes(Device const& device, ScanDescription const& scan,
                   Field<std::uint8_t const> mask, CombinedEchoes<Device>& echoes) {
  Field<float> const first = echoes.phase[0].field();
  LaplacianUnwrap<Device>(device, scan.matrix, scan.voxel_mm).run(first, mask, first);
  if (echoes.phase.size() < 2) return;

  auto const ratio = static_cast<float>(scan.te_s[1] / scan.te_s[0]);
  double const total = sum_over(device, scan.matrix, Masked{echoes.magnitude[0].view(), mask});
  double best = std::numeric_limits<double>::infinity();
  float best_turn = 0;
  for (int const turns : {0, 1, -1, 2, -2}) {
    float const turn = kTwoPi * static_cast<float>(turns);
    double const misfit = sum_over(device, scan.matrix,
                                   TemplateMisfit{first, echoes.phase[1].view(),
                                                  echoes.magnitude[0].view(), mask, turn, ratio}) /
                              total +
                          0.01 * std::abs(turns);  // a tie goes to the fewest turns
    if (misfit < best) {
      best = misfit;
      best_turn = turn;
    }
  }
  for_each_voxel(device, scan.matrix, AddTurn{first, mask, best_turn});
  for (std::size_t e = 1; e < echoes.phase.size(); ++e) {
    Field<float> const phase = echoes.phase[e].field();
    unwrap_echo(device, echoes.phase[e - 1].view(), scan.te_s[e - 1], phase, scan.te_s[e], phase);
    for_each_voxel(device, scan.matrix, AddTurn{phase, mask, 0.0f});
  }
}

template <class Device>
TotalField<Device> estimate_field(Device const& device, ScanDescription const& scan,
                                  PipelineOptions const& options, Field<std::uint8_t const> mask,
                                  CombinedEchoes<Device> const& echoes) {
  auto const magnitudes = echoes.magnitudes();
  TotalField<Device> total{.field_ppm = {device, scan.matrix},
                           .weight = {device, scan.matrix},
                           .reliability = {},
                           .effective_te_s = effective_te(device, scan, mask, magnitudes)};
  Buffer<Device, float> offset(device, scan.matrix);
  Buffer<Device, float> noise(device, scan.matrix);
  Buffer<Device, float> residual(device, scan.matrix);
  Field<float> const field = total.field_ppm.field();
  auto const fit = linear_fit(device, echoes.phases(), magnitudes, scan.te_s, mask,
                              {.field_hz = field,
                               .offset_rad = offset.field(),
                               .noise_hz = noise.field(),
                               .residual_rad = residual.field()});
  total.reliability = data_weight(device, magnitudes, scan.te_s,
                                  {.field_hz = field,
                                   .noise_hz = noise.view(),
                                   .residual_rad = residual.view(),
                                   .noise_sigma = fit.noise_sigma,
                                   .noise_is_absolute = fit.noise_is_absolute},
                                  mask, options.reliability, total.weight.field());
  if (total.reliability.excluded > 0)
    fill_unreliable(device, scan.voxel_mm, total.weight.view(), mask, field);
  for_each_voxel(device, scan.matrix,
                 HzToPpm{field, static_cast<float>(1 / (kGammaBar * scan.b0_t))});
  return total;
}

template void unwrap_echoes(ThisDevice const&, ScanDescription const&, Field<std::uint8_t const>,
                            CombinedEchoes<ThisDevice>&);
template struct TotalField<ThisDevice>;
template TotalField<ThisDevice> estimate_field(ThisDevice const&, ScanDescription const&,
                                               PipelineOptions const&, Field<std::uint8_t const>,
                                               CombinedEchoes<ThisDevice> const&);

}  // namespace qsm
