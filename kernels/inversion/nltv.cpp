#include "inversion/nltv.hpp"

#include <algorithm>
#include <cmath>

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/run_and_sum.hpp"
#include "device/select.hpp"
#include "inversion/nltv_step.hpp"
#include "math/count.hpp"
#include "math/finite.hpp"
#include "math/pad.hpp"

namespace qsm {
namespace {

using namespace nltv_step;

// Automatic alpha = kAlphaPpm c mean(W) and mu1 = kMu1PerPpm alpha / c.
constexpr double kAlphaPpm = 2.5e-4;
constexpr double kMu1PerPpm = 400;

struct AbsolutePhase {
  Field<float const> local_ppm;
  float phase_scale;
  Field<float> out;  // NaN, which percentiles() leaves out, stays NaN
  QSM_HD void operator()(Index3 i) const { out[i] = fabsf(phase_scale * local_ppm[i]); }
};

/// phi and W on the padded grid; W < mu2, and W = 0 wherever there is nothing to trust.
struct LoadData {
  Field<float const> local_ppm;
  Field<std::uint8_t const> mask;
  Field<float const> noise_weight;  // may be empty
  Window window;
  float phase_scale, largest_weight;
  Field<float> phi, weight;
  QSM_HD void operator()(Index3 i) const {
    phi[i] = 0;
    weight[i] = 0;
    if (!window.grid.contains(i)) return;
    Index3 const from = i + window.origin;
    float const w = noise_weight ? noise_weight[from] : 1.0f;
    float const phase = phase_scale * local_ppm[from];
    if (!mask[from] || !is_finite(phase) || !is_finite(w) || !(w > 0)) return;
    phi[i] = phase;
    weight[i] = w * w < largest_weight ? w * w : largest_weight;
  }
};

/// x = z1 = s1 = s2 = 0, z2 the solution of the linear prox at v = 0.
struct StartPacked {
  Field<float const> phi, weight;
  float mu2;
  Field<float> z2;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const {
    z2[i] = weight[i] * phi[i] / (weight[i] + mu2);
    packed[i] = {0, z2[i]};
  }
};

struct StoreSusceptibility {
  Field<float const> x;
  Field<std::uint8_t const> mask;
  Window window;
  float inverse_scale;
  Field<float> chi_ppm;
  QSM_HD void operator()(Index3 i) const {
    chi_ppm[i] = mask[i] ? inverse_scale * x[i - window.origin] : 0.0f;
  }
};

void check(NltvOptions const& o, double phase_scale) {
  auto const positive = [](double v) { return std::isfinite(v) && v > 0; };
  require(positive(phase_scale), "INVALID_OPTION", "the phase scale must be positive and finite");
  require(o.alpha == 0 || (o.alpha >= 1e-9 && std::isfinite(o.alpha)), "INVALID_OPTION",
          "alpha is " + std::to_string(o.alpha) + "; it must be 0 (automatic) or at least 1e-9");
  require(o.mu1 == 0 || (o.mu1 >= 1e-7 && std::isfinite(o.mu1)), "INVALID_OPTION",
          "mu1 is " + std::to_string(o.mu1) + "; it must be 0 (automatic) or at least 1e-7");
  require(positive(o.mu2), "INVALID_OPTION", "mu2 must be positive");
  require(o.relaxation >= 1 && o.relaxation <= 1.95, "INVALID_OPTION",
          "relaxation is " + std::to_string(o.relaxation) + "; it must be 1 to 1.95");
  require(o.max_iterations >= 1, "INVALID_OPTION", "max_iterations must be at least 1");
}

template <class Device>
class Nltv {
 public:
  Nltv(Device const& device, PaddedProblem const& problem)
      : device_(device),
        problem_(problem),
        grid_(problem.grid),
        fft_(device, grid_),
        packed_(device, grid_),
        qx_(device, grid_),
        qy_(device, grid_),
        qz_(device, grid_),
        z2_(device, grid_),
        s2_(device, grid_),
        phi_(device, grid_),
        weight_(device, grid_),
        x_(device, grid_),
        dipole_(device, half_grid(grid_)),
        inverse_(device, half_grid(grid_)),
        scratch_(sum_scratch(device, grid_)) {}

  void start(Vec3d voxel_mm, Vec3d b0_direction, double alpha, double mu1,
             NltvOptions const& options, LoadData load) {
    scale_ = options.scale_gradients ? gradient_scale(voxel_mm) : Vec3{1, 1, 1};
    mu1_ = static_cast<float>(mu1);
    mu2_ = static_cast<float>(options.mu2);
    relaxation_ = static_cast<float>(options.relaxation);
    threshold_ = static_cast<float>(alpha / mu1);
    for_each_voxel(device_, half_grid(grid_),
                   FillMultipliers{.dipole = dipole_kernel(grid_, voxel_mm, b0_direction),
                                   .scale = scale_,
                                   .mu1 = mu1,
                                   .mu2 = options.mu2,
                                   .dipole_out = dipole_.field(),
                                   .inverse_out = inverse_.field()});
    load.phi = phi_.field();
    load.weight = weight_.field();
    for_each_voxel(device_, grid_, load);
    for (auto* zeroed : {&qx_, &qy_, &qz_, &s2_, &x_}) zeroed->zero();
    for_each_voxel(device_, grid_,
                   StartPacked{.phi = phi_.view(),
                               .weight = weight_.view(),
                               .mu2 = mu2_,
                               .z2 = z2_.field(),
                               .packed = packed_.field()});
  }

  void solve_for_x() {
    fft_.forward(packed_.field());
    for_each_voxel(device_, half_grid(grid_),
                   SolvePacked{.dipole = dipole_.view(),
                               .inverse = inverse_.view(),
                               .mu1 = mu1_,
                               .mu2 = mu2_,
                               .packed = packed_.field()});
    fft_.inverse(packed_.field());
  }

  /// Returns |x - x_previous| / |x|; 0 for x = 0.
  double update_splitting(bool linear) {
    Sums const squares = run_and_sum(device_, grid_,
                                     UpdateSplitting{.scale = scale_,
                                                     .threshold = threshold_,
                                                     .mu2 = mu2_,
                                                     .relaxation = relaxation_,
                                                     .linear = linear,
                                                     .phi = phi_.view(),
                                                     .weight = weight_.view(),
                                                     .q = {qx_.field(), qy_.field(), qz_.field()},
                                                     .z2 = z2_.field(),
                                                     .s2 = s2_.field(),
                                                     .x = x_.field(),
                                                     .packed = packed_.field()},
                                     scratch_);
    return squares.first == 0 ? 0 : std::sqrt(squares.second / squares.first);
  }

  void take_divergence() {
    for_each_voxel(device_, grid_,
                   TakeDivergence{.q = {qx_.view(), qy_.view(), qz_.view()},
                                  .scale = scale_,
                                  .threshold = threshold_,
                                  .packed = packed_.field()});
  }

  void store(Field<std::uint8_t const> mask, double phase_scale, Field<float> chi_ppm) const {
    for_each_voxel(device_, chi_ppm.grid,
                   StoreSusceptibility{.x = x_.view(),
                                       .mask = mask,
                                       .window = problem_.window,
                                       .inverse_scale = static_cast<float>(1 / phase_scale),
                                       .chi_ppm = chi_ppm});
  }

 private:
  Device const& device_;
  PaddedProblem problem_;
  Grid grid_;
  Vec3 scale_;
  float mu1_ = 0, mu2_ = 0, relaxation_ = 1, threshold_ = 0;
  ComplexFft<Device> fft_;
  Buffer<Device, Complex> packed_;
  Buffer<Device, float> qx_, qy_, qz_, z2_, s2_, phi_, weight_, x_, dipole_, inverse_;
  SumScratch<Device> scratch_;
};

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
  report.alpha =
      options.alpha > 0
          ? reduction * options.alpha
          : std::max(1e-9, kAlphaPpm * report.phase_scale * mean_weight(device, mask, weight));
  report.mu1 = options.mu1 > 0 ? options.mu1 : kMu1PerPpm * report.alpha / report.phase_scale;
  report.working_grid = problem.grid;

  Nltv<Device> solver(device, problem);
  solver.start(voxel_mm, b0_direction, report.alpha, report.mu1, options,
               LoadData{.local_ppm = local_ppm,
                        .mask = mask,
                        .noise_weight = weight,
                        .window = problem.window,
                        .phase_scale = static_cast<float>(report.phase_scale),
                        .largest_weight = static_cast<float>(0.999 * options.mu2),
                        .phi = {},
                        .weight = {}});
  for (int iteration = 1;; ++iteration) {
    solver.solve_for_x();
    report.change = solver.update_splitting(iteration <= options.linear_iterations);
    report.iterations = iteration;
    report.residuals.push_back(report.change);
    if (!std::isfinite(report.change))
      throw Error(
          ErrorCode::kNotConverged, "NOT_CONVERGED",
          "the inversion left the finite numbers in iteration " + std::to_string(iteration));
    control.report({iteration, options.max_iterations, report.change});
    report.converged = report.change == 0 || (iteration >= 5 && report.change < options.tolerance);
    if (report.converged || iteration >= options.max_iterations) break;
    solver.take_divergence();
  }
  solver.store(mask, report.phase_scale, chi_ppm);
  return report;
}

template InversionReport nltv(ThisDevice const&, Vec3d, Vec3d, double, Field<float const>,
                              Field<std::uint8_t const>, Field<float const>, NltvOptions const&,
                              Field<float>, Control const&);

}  // namespace qsm
