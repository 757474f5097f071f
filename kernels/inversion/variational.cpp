#include "inversion/variational.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/select.hpp"
#include "inversion/choose_alpha.hpp"
#include "inversion/edges.hpp"
#include "inversion/harmonic_solver.hpp"
#include "inversion/phase_problem.hpp"
#include "inversion/tgv_solver.hpp"
#include "inversion/tv_solver.hpp"
#include "math/count.hpp"
#include "math/finite.hpp"
#include "math/pad.hpp"

namespace qsm {
namespace {

// AlphaRule::kFixed without a value: alpha = kAlphaPpm c mean(W); mu1 = kMu1PerPpm alpha / c.
constexpr double kAlphaPpm = 2.5e-4;
constexpr double kMu1PerPpm = 400;

// Absolute misfits grow with c as total variation does, so that alpha is a pure number, and
// weigh noise by its sign alone: it need not know how large the noise is. alpha = kAlphaAbsolute
// mean(w). The splitting's penalty mu2 / 2 y^2 grows with c^2: mu2 = kMu2PerPpm / c times the
// option, which makes the first step of a voxel at most 0.005 ppm.
constexpr double kAlphaAbsolute = 0.03;
constexpr double kMu2PerPpm = 200;

// HD-QSM: iterations of its first solve, and the percentile of the misfit that counts as wholly
// wrong (the paper takes the largest, which one voxel decides).
constexpr int kDiscountIterations = 20;
constexpr double kWhollyWrongPercent = 99.9;

double automatic_mu1(double alpha, double phase_scale) {
  return kMu1PerPpm * alpha / phase_scale;
}

double penalty_of_field(VariationalOptions const& options, Misfit misfit, double phase_scale) {
  return is_squared(misfit) ? options.mu2 : options.mu2 * std::max(1.0, kMu2PerPpm / phase_scale);
}

struct AbsolutePhase {
  Field<float const> local_ppm;
  float phase_scale;
  Field<float> out;  // NaN, which percentiles() leaves out, stays NaN
  QSM_HD void operator()(Index3 i) const { out[i] = fabsf(phase_scale * local_ppm[i]); }
};

void check(VariationalOptions const& o, double phase_scale) {
  auto const positive = [](double v) { return std::isfinite(v) && v > 0; };
  require(positive(phase_scale), "INVALID_OPTION", "the phase scale must be positive and finite");
  require(o.alpha == 0 || (o.alpha >= 1e-9 && std::isfinite(o.alpha)), "INVALID_OPTION",
          "alpha is " + std::to_string(o.alpha) + "; it must be 0 (automatic) or at least 1e-9");
  require(o.mu1 == 0 || (o.mu1 >= 1e-7 && std::isfinite(o.mu1)), "INVALID_OPTION",
          "mu1 is " + std::to_string(o.mu1) + "; it must be 0 (automatic) or at least 1e-7");
  require(!o.discount_misfit || o.prior == Prior::kTv, "INVALID_OPTION",
          "voxels are weighed down by their misfit before total variation only");
  require(positive(o.mu2), "INVALID_OPTION", "mu2 must be positive");
  require(
      std::isfinite(o.noise_ppm) && o.noise_ppm >= 0, "INVALID_OPTION",
      "noise_ppm is " + std::to_string(o.noise_ppm) + "; it must be 0 (from the field) or more");
  require(std::isfinite(o.rounding_ppm) && o.rounding_ppm >= 0, "INVALID_OPTION",
          "rounding_ppm is " + std::to_string(o.rounding_ppm) + "; it must be 0 (none) or more");
  require(std::isfinite(o.ridge) && o.ridge >= 0, "INVALID_OPTION",
          "ridge is " + std::to_string(o.ridge) + "; it must be 0 (none) or more");
  require(o.relaxation >= 1 && o.relaxation <= 1.95, "INVALID_OPTION",
          "relaxation is " + std::to_string(o.relaxation) + "; it must be 1 to 1.95");
  require(o.max_iterations >= 0, "INVALID_OPTION", "max_iterations must be 0 (automatic) or more");
  require(o.linear_iterations >= 0, "INVALID_OPTION", "linear_iterations must be 0 or more");
  require(std::isfinite(o.tolerance) && o.tolerance >= 0, "INVALID_OPTION",
          "tolerance is " + std::to_string(o.tolerance) + "; it must be 0 (never) or more");
  require(std::isfinite(o.phase_limit) && o.phase_limit >= 0, "INVALID_OPTION",
          "phase_limit is " + std::to_string(o.phase_limit) + "; it must be 0 (never) or more");
}

/// The misfit's weight as the problem takes it, over the mask.
struct CountedWeight {
  Field<std::uint8_t const> mask;
  Field<float const> weight;
  bool squared;
  QSM_HD double operator()(Index3 i) const {
    double const w = static_cast<double>(weight[i]);
    return mask[i] && w > 0 && is_finite(w) ? fmin(squared ? w * w : w, 1.0) : 0.0;
  }
};

template <class Device>
double mean_weight(Device const& device, Field<std::uint8_t const> mask, Field<float const> weight,
                   bool squared) {
  if (!weight) return 1;
  double const sum = sum_over(device, mask.grid, CountedWeight{mask, weight, squared});
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

/// Chooses alpha as the options say and solves.
template <class Device, class Solver>
void solve_with_chosen_alpha(Solver& solver, VariationalOptions const& options, double fixed,
                             double mean_weight, InversionReport& report, Control const& control) {
  PhaseProblem<Device>& problem = solver.problem();
  double const c = report.phase_scale;
  bool const squared = is_squared(problem.misfit);
  auto const solve = [&](double alpha, int most, double tolerance, auto on_iteration) {
    report.alpha = std::max(1e-9, alpha);
    report.mu1 = options.mu1 > 0 ? options.mu1 : automatic_mu1(report.alpha, c);
    solver.regularise({.alpha = report.alpha,
                       .mu1 = report.mu1,
                       .mu2 = penalty_of_field(options, problem.misfit, c),
                       .ridge = options.ridge * mean_weight,
                       .rounding = options.rounding_ppm * c});
    return run_admm(solver, options.linear_iterations, most, tolerance, on_iteration);
  };
  double alpha = fixed;
  switch (options.alpha_rule) {
    case AlphaRule::kFixed:
      break;
    case AlphaRule::kNoise:
      report.noise_ppm = problem.noise_rad() / c;
      alpha = squared
                  ? std::max(alpha_per_noise(options.prior) * report.noise_ppm, kSmallestAlphaPpm) *
                        c * mean_weight
                  : kAlphaAbsolute * mean_weight;
      break;
    case AlphaRule::kEqualise:
      report.alpha_trials = search_alpha(
          solve, fixed, [&](AlphaTrial& t) { t.balance = problem.band_balance(); }, balance_of,
          control);
      alpha = 2 * next_alpha(report.alpha_trials, balance_of);
      break;
    case AlphaRule::kLCurve:
      report.alpha_trials = l_curve(
          solve, fixed,
          [&](AlphaTrial& t) {
            t.misfit = solver.misfit();
            t.variation = problem.variation();
          },
          control);
      alpha = inflection_of(report.alpha_trials);
      break;
    case AlphaRule::kDiscrepancy: {
      report.noise_ppm = options.noise_ppm > 0 ? options.noise_ppm : problem.noise_rad() / c;
      double const noise_rad = report.noise_ppm * c;
      // Of a normal distribution: its mean square, or its mean size.
      double const each =
          squared ? 0.5 * noise_rad * noise_rad : noise_rad * std::sqrt(2 / std::numbers::pi);
      double const expected = std::max(each * problem.sum_of_weights(), 1e-300);
      // More alpha, more misfit: the excess that falls is the reciprocal.
      auto const excess = [=](AlphaTrial const& t) {
        return expected / std::max(t.misfit, 1e-300);
      };
      report.alpha_trials = search_alpha(
          solve, fixed, [&](AlphaTrial& t) { t.misfit = solver.misfit(); }, excess, control);
      alpha = next_alpha(report.alpha_trials, excess);
      break;
    }
  }
  int const most =
      options.max_iterations > 0 ? options.max_iterations : default_iterations(options.prior);
  auto const ended = solve(alpha, most, options.tolerance, [&](int iteration, double change) {
    report.change = change;
    report.residuals.push_back(change);
    control.report({iteration, most, change});
  });
  report.iterations = ended.iterations;
  report.converged = ended.converged;
}

/// HD-QSM's first solve, of which only the weights stay. Its alpha is the root of the second's in
/// ppm, as in the paper; both solves are convex, so that the second may begin at zero.
template <class Device, class Solver>
void discount_misfit(Solver& solver, VariationalOptions const& options, double fixed_ppm,
                     double phase_scale, double mean_weight, Control const& control) {
  PhaseProblem<Device>& problem = solver.problem();
  Misfit const wanted = problem.misfit;
  problem.set_misfit(Misfit::kAbsolute);
  double const alpha = std::sqrt(fixed_ppm) * mean_weight;
  solver.regularise({.alpha = alpha,
                     .mu1 = automatic_mu1(alpha, phase_scale),
                     .mu2 = penalty_of_field(options, problem.misfit, phase_scale),
                     .ridge = 0,
                     .rounding = 0});
  run_admm(solver, 0, kDiscountIterations, options.tolerance,
           [&](int, double) { control.check_cancelled(); });
  problem.set_misfit(wanted);
  problem.discount_misfit(kWhollyWrongPercent);
}

}  // namespace

int default_iterations(Prior prior) {
  return prior == Prior::kWeakHarmonic ? 50 : 80;
}

int floats_per_voxel(VariationalOptions const& options) {
  if (options.prior == Prior::kTgv) return 20;
  return options.prior == Prior::kWeakHarmonic ? 14 : 10;
}

template <class Device>
InversionReport invert_variational(Device const& device, Vec3d voxel_mm, Vec3d b0_direction,
                                   double phase_scale_rad_per_ppm, Field<float const> local_ppm,
                                   Field<std::uint8_t const> mask, Field<float const> weight,
                                   VariationalOptions const& options, Field<float> chi_ppm,
                                   Control const& control, Field<float const> edge_image) {
  check(options, phase_scale_rad_per_ppm);
  require(!edge_image || options.prior != Prior::kTgv, "INVALID_OPTION",
          "total generalised variation knows no edges of an image");
  auto const padded = pad_for_inversion(device, mask, options.pad_voxels);
  double const reduction =
      phase_reduction(device, local_ppm, mask, phase_scale_rad_per_ppm, options.phase_limit);
  InversionReport report;
  report.phase_scale = reduction * phase_scale_rad_per_ppm;
  report.working_grid = padded.grid;
  bool const squared = is_squared(options.misfit);
  double const of_mask = mean_weight(device, mask, weight, squared);
  double const fixed = options.alpha > 0 ? (squared ? reduction : 1) * options.alpha
                       : squared         ? kAlphaPpm * report.phase_scale * of_mask
                                         : kAlphaAbsolute * of_mask;

  Vec3 const gradient = options.scale_gradients ? gradient_scale(voxel_mm) : Vec3{1, 1, 1};
  Buffer<Device, std::uint8_t> edges;  // found before the problem takes its room
  if (edge_image) edges = find_edges(device, padded, gradient, edge_image, mask);
  PhaseProblem<Device> problem(device, padded, voxel_mm, b0_direction, gradient, options,
                               report.phase_scale, local_ppm, mask, weight);
  switch (options.prior) {
    case Prior::kTv: {
      TvSolver<Device> solver(problem, std::move(edges));
      if (options.discount_misfit)
        discount_misfit<Device>(solver, options, fixed / (report.phase_scale * of_mask),
                                report.phase_scale, mean_weight(device, mask, weight, false),
                                control);
      solve_with_chosen_alpha<Device>(solver, options, fixed, of_mask, report, control);
      break;
    }
    case Prior::kTgv: {
      TgvSolver<Device> solver(problem);
      solve_with_chosen_alpha<Device>(solver, options, fixed, of_mask, report, control);
      break;
    }
    case Prior::kWeakHarmonic: {
      HarmonicSolver<Device> solver(problem, std::move(edges));
      solve_with_chosen_alpha<Device>(solver, options, fixed, of_mask, report, control);
      break;
    }
  }
  problem.store(chi_ppm);
  return report;
}

template InversionReport invert_variational(ThisDevice const&, Vec3d, Vec3d, double,
                                            Field<float const>, Field<std::uint8_t const>,
                                            Field<float const>, VariationalOptions const&,
                                            Field<float>, Control const&, Field<float const>);

}  // namespace qsm
