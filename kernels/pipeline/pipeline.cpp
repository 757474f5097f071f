#include "pipeline/pipeline.hpp"

#include <chrono>
#include <cmath>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "mask/combine_masks.hpp"
#include "mask/make_mask.hpp"
#include "math/count.hpp"
#include "math/distance_transform.hpp"
#include "pipeline/combine.hpp"
#include "pipeline/total_field.hpp"
#include "pipeline/uncertainty.hpp"

namespace qsm {
namespace {

enum Stage { kCoils, kMask, kUnwrap, kField, kBackground, kInversion };

/// Announces and times the stages one after another.
class StageClock {
 public:
  StageClock(std::stop_token stop, std::function<void(PipelineProgress const&)> on_progress)
      : stop_(std::move(stop)), on_progress_(std::move(on_progress)) {}

  template <class Device, class Work>
  void run(Device const& device, Stage stage, Work work) {
    auto const begin = std::chrono::steady_clock::now();
    Control const control{
        .stop = stop_, .on_iteration = [this, stage](IterationProgress p) { announce(stage, p); }};
    announce(stage, {});
    control.check_cancelled();
    work(control);
    device.synchronize();
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
    seconds_.push_back({stage_names()[static_cast<std::size_t>(stage)], took.count()});
  }
  std::vector<StageSeconds> const& seconds() const { return seconds_; }

 private:
  void announce(Stage stage, IterationProgress iteration) const {
    if (on_progress_)
      on_progress_({.stage = stage_names()[static_cast<std::size_t>(stage)],
                    .stage_index = stage,
                    .iteration = iteration});
  }

  std::stop_token stop_;
  std::function<void(PipelineProgress const&)> on_progress_;
  std::vector<StageSeconds> seconds_;
};

struct AddSquare {
  Field<float const> value;
  Field<float> sum;
  QSM_HD void operator()(Index3 i) const { sum[i] += value[i] * value[i]; }
};
struct SquareRoot {
  Field<float> value;
  QSM_HD void operator()(Index3 i) const { value[i] = sqrtf(value[i]); }
};

/// 1 where the field is to be trusted: least squares weighs dim voxels no less than bright ones,
/// because its own smallness term would flatten them.
struct Reliable {
  Field<float const> weight;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = weight[i] > 0 ? 1.0f : 0.0f; }
};

template <class Device>
Buffer<Device, float> root_sum_of_squares(Device const& device,
                                          std::vector<Buffer<Device, float>> const& volumes) {
  Buffer<Device, float> sum(device, volumes.front().grid());
  sum.zero();
  for (auto const& v : volumes)
    for_each_voxel(device, sum.grid(), AddSquare{v.view(), sum.field()});
  for_each_voxel(device, sum.grid(), SquareRoot{sum.field()});
  return sum;
}

/// Counts what must never leave: a value that is not finite counts as infinitely many.
struct Magnitude {
  Field<float const> value;
  QSM_HD double operator()(Index3 i) const {
    float const v = value[i];
    return v - v == 0 ? static_cast<double>(fabsf(v)) : 1e300;
  }
};

template <class Device>
void check_map(Device const& device, Field<float const> chi) {
  double const largest = max_over(device, chi.grid, Magnitude{chi});
  if (largest >= 1e300)
    throw Error(ErrorCode::kNotConverged, "NOT_FINITE", "the map holds a value that is not finite");
  if (largest == 0) throw Error(ErrorCode::kNotConverged, "ZERO_MAP", "the map is zero everywhere");
}

void check_scan(ScanDescription const& scan) {
  require(!scan.te_s.empty() && scan.te_s.front() > 0, "NO_ECHOES", "no positive echo time");
  for (std::size_t e = 1; e < scan.te_s.size(); ++e)
    require(scan.te_s[e] > scan.te_s[e - 1], "TE_NOT_INCREASING",
            "echo " + std::to_string(e + 1) + " is not later than the one before it");
  require(scan.coils >= 1, "NO_COILS", "no receive channel");
  require(scan.matrix.size() > 0 && scan.encoded.size() > 0, "EMPTY_MATRIX", "an axis is empty");
  require(scan.b0_t > 0, "B0_OUT_OF_RANGE", "B0 is not positive");
}

/// Too few echoes for the method are no error: the map does not depend on R2*.
bool has_r2s(ScanDescription const& scan, PipelineOptions const& options) {
  return scan.te_s.size() >= (options.r2s.method == R2sMethod::kArlo ? 3u : 2u);
}

void check_r2s(ScanDescription const& scan, PipelineOptions const& options) {
  bool const fitted = has_r2s(scan, options);
  if (fitted) resolve(options.r2s.method, scan.te_s);
  require(fitted || options.reference != ReferenceMethod::kCsf, "NO_CSF",
          "fluid is found by its R2*, and there are too few echoes to fit it");
}

template <class Device>
void check_phase_sign(Device const& device, Vec3d voxel_mm, Field<float const> chi,
                      Field<float const> r2s, Field<std::uint8_t const> mask,
                      std::vector<std::string>& warnings) {
  constexpr double kRimMm = 5;  // beside air the decay is dephasing, and says nothing of iron
  Buffer<Device, std::uint8_t> inner(device, mask.grid);
  erode(device, mask, voxel_mm, kRimMm, inner.field());
  if (count_voxels<Device>(device, inner.view()) == 0) return;
  double const median = chi_where_r2s_is_largest(device, chi, r2s, inner.view());
  if (median < 0)
    warnings.push_back("phase sign suspect: where R2* is largest the median susceptibility is " +
                       std::to_string(median) + " ppm");
}

}  // namespace

std::vector<std::string> const& stage_names() {
  static std::vector<std::string> const names = {"coils", "mask",       "unwrap",
                                                 "field", "background", "inversion"};
  return names;
}

template <class Device>
Reconstruction reconstruct(Device const& device, ScanDescription const& scan, ScanSource& source,
                           PipelineOptions const& options, std::stop_token stop,
                           std::function<void(PipelineProgress const&)> on_progress) {
  check_scan(scan);
  check_r2s(scan, options);
  StageClock clock(std::move(stop), std::move(on_progress));
  Reconstruction result;
  Grid const grid = scan.matrix;
  device.meter().peak = device.meter().in_use.load();

  if (scan.bipolar_readout && !corrects_bipolar(scan, options))
    result.warnings.push_back("the readout alternates its direction, which was not corrected");

  CombinedEchoes<Device> echoes;
  clock.run(device, kCoils, [&](Control const& control) {
    echoes = combine_coils(device, scan, source, options, control);
  });

  Buffer<Device, std::uint8_t> brain(device, grid);
  Buffer<Device, float> quality;
  clock.run(device, kMask, [&](Control const&) {
    make_mask(device, echoes.magnitude[0].view(), scan.voxel_mm, options.mask, brain.field());
    bool const by_quality =
        options.mask_by_quality == QualityMask::kOn ||
        (options.mask_by_quality == QualityMask::kAuto && scan.te_s.size() == 1);
    if (by_quality || options.reliability.min_quality > 0 || options.extra.quality) {
      quality = {device, grid};
      phase_quality(device, scan, echoes, quality.field());
    }
    if (by_quality)
      combine_masks(device, brain.view(), {}, quality.view(), scan.voxel_mm, options.quality_mask,
                    brain.field());
    if (options.extra.quality) result.quality = quality.to_host();
    result.magnitude = root_sum_of_squares(device, echoes.magnitude).to_host();
  });

  clock.run(device, kUnwrap, [&](Control const&) {
    unwrap_echoes(device, scan, options.unwrap, brain.field(), echoes);
  });

  TotalField<Device> total;
  Buffer<Device, float> r2s;
  clock.run(device, kField, [&](Control const&) {
    total = estimate_field(device, scan, options, brain.field(), echoes, quality.view());
    quality = {};
    if (options.extra.field_noise && total.noise_is_absolute)
      result.field_noise_ppm = total.noise_ppm.to_host();
    if (!options.extra.uncertainty || !total.noise_is_absolute) total.noise_ppm = {};
    if (has_r2s(scan, options)) {
      r2s = {device, grid};
      fit_r2s(device, echoes.magnitudes(), scan.te_s, brain.view(), options.r2s,
              {.r2s_per_s = r2s.field(), .m0 = {}});
    }
    echoes = {};  // the heavy stages behind need the room
  });
  result.excluded_voxels = total.reliability.excluded;
  result.phase_scale_rad_per_ppm =
      2 * std::numbers::pi * kGammaBar * scan.b0_t * total.effective_te_s;

  Buffer<Device, float> local(device, grid);
  Buffer<Device, std::uint8_t> mask(device, grid);
  Buffer<Device, float> reliable;
  clock.run(device, kBackground, [&](Control const& control) {
    // The direct forms know no weights.
    if (options.background.method == BackgroundMethod::kVsharpLs || total.noise_ppm) {
      reliable = {device, grid};
      for_each_voxel(device, grid, Reliable{total.weight.view(), reliable.field()});
    }
    remove_background(device, scan.voxel_mm, total.field_ppm.view(), brain.view(), reliable.view(),
                      options.background, local.field(), mask.field(), control);
    result.total_field_ppm = total.field_ppm.to_host();
    total.field_ppm = {};
    if (!total.noise_ppm) reliable = {};
  });

  Buffer<Device, float> chi(device, grid);
  clock.run(device, kInversion, [&](Control const& control) {
    Buffer<Device, std::uint8_t> csf;  // found first: the inversion takes long
    if (options.reference == ReferenceMethod::kCsf) {
      csf = {device, grid};
      csf_region(device, scan.voxel_mm, r2s.view(), mask.view(), csf.field());
    }
    auto const closed = closed_form_options(options);
    VariationalOptions variational = variational_options(options);
    Buffer<Device, float> edge_image;
    if (follows_edges(options.inversion)) edge_image = {device, grid, result.magnitude};
    auto const invert = [&](Field<float const> field, Field<float> map, Control const& watched) {
      InversionReport report;
      if (is_closed_form(options.inversion))
        invert_closed_form(device, scan.voxel_mm, scan.b0_direction, field, mask.view(), closed,
                           map, watched);
      else
        report = invert_variational(
            device, scan.voxel_mm, scan.b0_direction, result.phase_scale_rad_per_ppm, field,
            mask.view(), total.weight.view(), variational, map, watched, edge_image.view());
      return report;
    };
    auto const refer = [&](Field<float> map) {
      return reference(device, options.reference, mask.view(), map, csf.view());
    };
    // The samples of the uncertainty, where they are asked for, are as many inversions more.
    int const inversions = total.noise_ppm ? 1 + kUncertaintySamples : 1;
    auto const part_of_all = [&](int done) {
      return Control{.stop = control.stop, .on_iteration = [&, done](IterationProgress p) {
                       control.report({.iteration = done * p.max_iterations + p.iteration,
                                       .max_iterations = inversions * p.max_iterations,
                                       .residual = p.residual});
                     }};
    };
    auto const report = invert(local.view(), chi.field(), part_of_all(0));
    result.reference_ppm = refer(chi.field());
    if (!is_closed_form(options.inversion)) {
      result.inversion_residuals = report.residuals;
      result.inversion_iterations = report.iterations;
      result.inversion_grid = report.working_grid;
      result.inversion_converged = report.converged;
      result.phase_scale_rad_per_ppm = report.phase_scale;
      result.inversion_alpha = report.alpha;
      if (!report.converged)
        result.warnings.push_back("the inversion stopped at " + std::to_string(report.iterations) +
                                  " iterations, before its tolerance");
    }
    if (total.noise_ppm) {
      // Every sample meets what was chosen for the map.
      variational.alpha_rule = AlphaRule::kFixed;
      variational.alpha = report.alpha;
      variational.phase_limit = 0;
      Buffer<Device, float> deviation(device, grid);
      uncertainty<Device>(
          device,
          {.voxel_mm = scan.voxel_mm,
           .noise_ppm = total.noise_ppm.view(),
           .local_ppm = local.view(),
           .brain = brain.view(),
           .mask = mask.view(),
           .reliable = reliable.view(),
           .background = options.background},
          [&](int sample, Field<float const> field, Field<float> map) {
            invert(field, map, part_of_all(sample));
            refer(map);
          },
          deviation.field(), control);
      result.uncertainty_ppm = deviation.to_host();
    }
    check_map(device, chi.view());
    if (r2s)
      check_phase_sign(device, scan.voxel_mm, chi.view(), r2s.view(), mask.view(), result.warnings);
  });

  result.chi_ppm = chi.to_host();
  result.local_field_ppm = local.to_host();
  if (r2s) result.r2s_per_s = r2s.to_host();
  result.weight = total.weight.to_host();
  result.brain_mask = brain.to_host();
  result.mask = mask.to_host();
  result.stage_seconds = clock.seconds();
  result.peak_device_bytes = device.meter().peak;
  if (result.excluded_voxels > 0)
    result.warnings.push_back(std::to_string(result.excluded_voxels) +
                              " unreliable voxels were given no weight");
  return result;
}

template Reconstruction reconstruct(ThisDevice const&, ScanDescription const&, ScanSource&,
                                    PipelineOptions const&, std::stop_token,
                                    std::function<void(PipelineProgress const&)>);

}  // namespace qsm
