#include "inversion/nltv.hpp"

#include <algorithm>
#include <cmath>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/select.hpp"
#include "inversion/choose_alpha.hpp"
#include "inversion/nltv_solver.hpp"
#include "math/count.hpp"
#include "math/finite.hpp"
#include "math/pad.hpp"

namespace qsm {
namespace {

// AlphaRule::kFixed without a value: alpha = kAlphaPpm c mean(W). mu1 = kMu1PerPpm alpha / c.
constexpr double kAlphaPpm = 2.5e-4;
constexpr double kMu1PerPpm = 400;

struct AbsolutePhase {
  Field<float const> local_ppm;
  float phase_scale;
  Field<float> out;  // NaN, which percentiles() leaves out, stays NaN
  QSM_HD void operator()(Index3 i) const { out[i] = fabsf(phase_scale * local_ppm[i]); }
};

void check(NltvOptions const& o, double phase_scale) {
  auto const positive = [](double v) { return std::isfinite(v) && v > 0; };
  require(positive(phase_scale), "INVALID_OPTION", "the phase scale must be positive and finite");
  require(o.alpha == 0 || (o.alpha >= 1e-9 && std::isfinite(o.alpha)), "INVALID_OPTION",
          "alpha is " + std::to_string(o.alpha) + "; it must be 0 (automatic) or at least 1e-9");
  require(o.mu1 == 0 || (o.mu1 >= 1e-7 && std::isfinite(o.mu1)), "INVALID_OPTION",
          "mu1 is " + std::to_string(o.mu1) + "; it must be 0 (automatic) or at least 1e-7");
  require(positive(o.mu2), "INVALID_OPTION", "mu2 must be positive");
  require(
      std::isfinite(o.noise_ppm) && o.noise_ppm >= 0, "INVALID_OPTION",
      "noise_ppm is " + std::to_string(o.noise_ppm) + "; it must be 0 (from the field) or more");
  require(o.relaxation >= 1 && o.relaxation <= 1.95, "INVALID_OPTION",
          "relaxation is " + std::to_string(o.relaxation) + "; it must be 1 to 1.95");
  require(o.max_iterations >= 1, "INVALID_OPTION", "max_iterations must be at least 1");
}

/// W as LoadData takes it, over the mask.
struct SquaredWeight {
  Field<std::uint8_t const> mask;
  Field<float const> weight;
  QSM_HD double operator()(Index3 i) const {
    float const w = weight[i];
    return mask[i] && w > 0 && is_finite(w)
               ? fmin(static_cast<double>(w) * static_cast<double>(w), 1.0)
               : 0.0;
  }
};

template <class Device>
double mean_weight(Device const& device, Field<std::uint8_t const> mask,
                   Field<float const> weight) {
  if (!weight) return 1;
  double const sum = sum_over(device, mask.grid, SquaredWeight{mask, weight});
  return sum / static_cast<double>(count_voxels(device, mask));
}

/// How far the phase scale must come down for 99.5 % of |phi| to respect the limit; 1 if not at
/// all.
template <class Device>
double phase_reduction(Device const& device, Field<float const> local_ppm,
                       Field<std::uint8_t const> mask, double phase_scale, double limit) {
  if (limit <= 0) return 1;
  Buffer<Device, float> phase(device, local_ppm.grid);
  for_each_voxel(device, local_ppm.grid,
                 AbsolutePhase{local_ppm, static_cast<float>(phase_scale), phase.field()});
  double const reached = percentiles(device, phase.view(), mask, {99.5})[0];
  return reached > limit ? limit / reached : 1;
}

}  // namespace

template <class Device>
InversionReport nltv(Device const& device, Vec3d voxel_mm, Vec3d b0_direction,
                     double phase_scale_rad_per_ppm, Field<float const> local_ppm,
                     Field<std::uint8_t const> mask, Field<float const> weight,
                     NltvOptions const& options, Field<float> chi_ppm, Control const& control) {
  check(options, phase_scale_rad_per_ppm);
  auto const problem = pad_for_inversion(device, mask, options.pad_voxels);
  double const reduction =
      phase_reduction(device, local_ppm, mask, phase_scale_rad_per_ppm, options.phase_limit);
  InversionReport report;
  report.phase_scale = reduction * phase_scale_rad_per_ppm;
  report.working_grid = problem.grid;

  NltvSolver<Device> solver(
      device, problem, voxel_mm, b0_direction, options,
      nltv_step::LoadData{.local_ppm = local_ppm,
                          .mask = mask,
                          .noise_weight = weight,
                          .window = problem.window,
                          .phase_scale = static_cast<float>(report.phase_scale),
                          .largest_weight = static_cast<float>(0.999 * options.mu2),
                          .phi = {},
                          .weight = {}});
  auto const regularise = [&](double alpha) {
    report.alpha = std::max(1e-9, alpha);
    report.mu1 = options.mu1 > 0 ? options.mu1 : kMu1PerPpm * report.alpha / report.phase_scale;
    solver.regularise(report.alpha, report.mu1);
  };
  double const per_ppm = report.phase_scale * mean_weight(device, mask, weight);
  double const fixed = options.alpha > 0 ? reduction * options.alpha : kAlphaPpm * per_ppm;
  switch (options.alpha_rule) {
    case AlphaRule::kFixed:
      regularise(fixed);
      break;
    case AlphaRule::kNoise:
      report.noise_ppm = solver.noise_rad() / report.phase_scale;
      regularise(std::max(kAlphaPerNoise * report.noise_ppm, kSmallestAlphaPpm) * per_ppm);
      break;
    case AlphaRule::kEqualise:
      report.alpha_trials = equalise(solver, fixed, regularise, control);
      regularise(2 * next_alpha(report.alpha_trials, balance_of));
      break;
    case AlphaRule::kLCurve:
      report.alpha_trials = l_curve(solver, fixed, regularise, control);
      regularise(inflection_of(report.alpha_trials));
      break;
    case AlphaRule::kDiscrepancy: {
      report.noise_ppm =
          options.noise_ppm > 0 ? options.noise_ppm : solver.noise_rad() / report.phase_scale;
      double const noise_rad = report.noise_ppm * report.phase_scale;
      double const expected =
          std::max(0.5 * noise_rad * noise_rad * solver.sum_of_weights(), 1e-300);
      // More alpha, more misfit: the excess that falls is the reciprocal.
      auto const excess = [=](AlphaTrial const& t) {
        return expected / std::max(t.misfit, 1e-300);
      };
      report.alpha_trials = search_alpha(
          solver, fixed, regularise, [&](AlphaTrial& t) { t.misfit = solver.misfit(); }, excess,
          control);
      regularise(next_alpha(report.alpha_trials, excess));
      break;
    }
  }

  auto const ended =
      solver.run(options.max_iterations, options.tolerance, [&](int iteration, double change) {
        report.change = change;
        report.residuals.push_back(change);
        control.report({iteration, options.max_iterations, change});
      });
  report.iterations = ended.iterations;
  report.converged = ended.converged;
  solver.store(report.phase_scale, chi_ppm);
  return report;
}

template InversionReport nltv(ThisDevice const&, Vec3d, Vec3d, double, Field<float const>,
                              Field<std::uint8_t const>, Field<float const>, NltvOptions const&,
                              Field<float>, Control const&);

}  // namespace qsm
