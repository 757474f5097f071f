#include "pipeline/total_field.hpp"

#include <numbers>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/components.hpp"
#include "math/gaussian.hpp"
#include "phase/complex_fit.hpp"
#include "phase/laplacian_unwrap.hpp"
#include "phase/linear_fit.hpp"
#include "phase/romeo_unwrap.hpp"
#include "phase/smooth_offset.hpp"
#include "phase/template_turn.hpp"
#include "phase/temporal_unwrap.hpp"

namespace qsm {
namespace {

struct ClearOutside {
  Field<std::uint8_t const> mask;
  Field<float> phase;
  QSM_HD void operator()(Index3 i) const {
    if (!mask[i]) phase[i] = 0;
  }
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
  Field<std::uint8_t const> mask;
  float ppm_per_hz;
  QSM_HD void operator()(Index3 i) const { field[i] = mask[i] ? ppm_per_hz * field[i] : 0.0f; }
};

/// A voxel that is all but without signal has a noise beyond any number: 1000 ppm says so.
struct NoiseToPpm {
  Field<float> noise;
  Field<std::uint8_t const> mask;
  float ppm_per_hz;
  QSM_HD void operator()(Index3 i) const {
    noise[i] = mask[i] ? fminf(ppm_per_hz * noise[i], 1000.0f) : 0.0f;
  }
};

struct KeepReliable {
  Field<float const> weight;
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const { mask[i] = mask[i] && weight[i] > 0; }
};

struct SetEverywhere {
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const { mask[i] = 1; }
};

struct Intersect {
  Field<std::uint8_t const> other;
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const { mask[i] = mask[i] && other[i]; }
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

/// Takes unreliable voxels at the rim out of the mask; those that reliable ones enclose stay.
template <class Device>
void trim_mask(Device const& device, Field<float const> weight, Field<std::uint8_t> mask) {
  constexpr double kLargestHole = 0.001;  // of the volume: a bleed, not a sinus
  Buffer<Device, std::uint8_t> whole(device, mask.grid);
  copy_on_device(device, whole.field().data, mask.data, whole.bytes());
  for_each_voxel(device, mask.grid, KeepReliable{weight, mask});
  keep_largest_component(device, mask);
  fill_holes(device, mask, kLargestHole);
  for_each_voxel(device, mask.grid, Intersect{whole.view(), mask});
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

template <class Device>
void unwrap_from_laplacian(Device const& device, ScanDescription const& scan,
                           Field<std::uint8_t const> mask, CombinedEchoes<Device>& echoes) {
  Field<float> const first = echoes.phase[0].field();
  LaplacianUnwrap<Device>(device, scan.matrix, scan.voxel_mm).run(first, mask, first);
  if (echoes.phase.size() < 2) return;

  correct_template_turn(device, mask,
                        TemplateEchoes{.first = first,
                                       .second = echoes.phase[1].view(),
                                       .magnitude = echoes.magnitude[0].view(),
                                       .first_te_s = scan.te_s[0],
                                       .second_te_s = scan.te_s[1]});
  for (std::size_t e = 1; e < echoes.phase.size(); ++e) {
    Field<float> const phase = echoes.phase[e].field();
    unwrap_echo(device, echoes.phase[e - 1].view(), scan.te_s[e - 1], phase, scan.te_s[e], phase);
    for_each_voxel(device, scan.matrix, ClearOutside{mask, phase});
  }
}

template <class Device>
RomeoEchoes path_echoes(ScanDescription const& scan, CombinedEchoes<Device>& echoes) {
  RomeoEchoes paths{.phases = {}, .magnitudes = echoes.magnitudes(), .te_s = scan.te_s};
  for (auto& p : echoes.phase) paths.phases.push_back(p.field());
  return paths;
}

}  // namespace

template <class Device>
void unwrap_echoes(Device const& device, ScanDescription const& scan, UnwrapOptions const& options,
                   Field<std::uint8_t> mask, CombinedEchoes<Device>& echoes) {
  if (options.method == UnwrapMethod::kLaplacian)
    unwrap_from_laplacian(device, scan, mask, echoes);
  else
    romeo_unwrap(device, path_echoes(scan, echoes), options.paths(), mask);
}

template <class Device>
void phase_quality(Device const& device, ScanDescription const& scan,
                   CombinedEchoes<Device>& echoes, Field<float> quality) {
  Buffer<Device, std::uint8_t> everywhere(device, scan.matrix);
  for_each_voxel(device, scan.matrix, SetEverywhere{everywhere.field()});
  romeo_quality(device, path_echoes(scan, echoes), everywhere.view(), quality);
}

template <class Device>
TotalField<Device> estimate_field(Device const& device, ScanDescription const& scan,
                                  PipelineOptions const& options, Field<std::uint8_t> mask,
                                  CombinedEchoes<Device> const& echoes,
                                  Field<float const> quality) {
  auto const magnitudes = echoes.magnitudes();
  TotalField<Device> total{.field_ppm = {device, scan.matrix},
                           .noise_ppm = {device, scan.matrix},
                           .weight = {device, scan.matrix},
                           .reliability = {},
                           .effective_te_s = effective_te(device, scan, mask, magnitudes)};
  Buffer<Device, float> offset(device, scan.matrix);
  Buffer<Device, float> residual(device, scan.matrix);
  Field<float> const field = total.field_ppm.field(), noise = total.noise_ppm.field();
  EchoFitFields const out{field, offset.field(), noise, residual.field()};
  auto const fit_echoes = [&](Field<float const> known_offset) {
    return options.field == FieldMethod::kNonlinear
               ? complex_fit(device, echoes.phases(), magnitudes, scan.te_s, mask, out,
                             known_offset)
               : linear_fit(device, echoes.phases(), magnitudes, scan.te_s, mask, out,
                            known_offset);
  };
  bool const average = options.field == FieldMethod::kAverage;
  Buffer<Device, float> known(device, scan.matrix);
  known.zero();
  auto fit = fit_echoes(average ? known.view() : Field<float const>{});
  if (!average && scan.te_s.size() > 1 && options.offset.sigma_mm > 0) {
    smooth_offset(device, scan.voxel_mm, mask, FittedOffset{offset.view(), noise, residual.view()},
                  options.offset.sigma_mm, known.field());
    fit = fit_echoes(known.view());
  }
  total.reliability = data_weight(device, magnitudes, scan.te_s,
                                  {.field_hz = field,
                                   .noise_hz = noise,
                                   .residual_rad = residual.view(),
                                   .noise_sigma = fit.noise_sigma,
                                   .noise_is_absolute = fit.noise_is_absolute,
                                   .freedom = fit.freedom,
                                   .quality = quality},
                                  mask, options.reliability, total.weight.field());
  if (total.reliability.excluded > 0) {
    trim_mask(device, total.weight.view(), mask);
    fill_unreliable(device, scan.voxel_mm, total.weight.view(), mask, field);
  }
  total.noise_is_absolute = fit.noise_is_absolute;
  auto const ppm_per_hz = static_cast<float>(1 / (kGammaBar * scan.b0_t));
  for_each_voxel(device, scan.matrix, HzToPpm{field, mask, ppm_per_hz});
  for_each_voxel(device, scan.matrix, NoiseToPpm{noise, mask, ppm_per_hz});
  return total;
}

template void unwrap_echoes(ThisDevice const&, ScanDescription const&, UnwrapOptions const&,
                            Field<std::uint8_t>, CombinedEchoes<ThisDevice>&);
template void phase_quality(ThisDevice const&, ScanDescription const&, CombinedEchoes<ThisDevice>&,
                            Field<float>);
template struct TotalField<ThisDevice>;
template TotalField<ThisDevice> estimate_field(ThisDevice const&, ScanDescription const&,
                                               PipelineOptions const&, Field<std::uint8_t>,
                                               CombinedEchoes<ThisDevice> const&,
                                               Field<float const>);

}  // namespace qsm
