/// One nonlinear-TV problem on a device: its volumes, and the ADMM iteration over them (nltv.hpp
/// has the functional, nltv_step.hpp the passes). Each run is a solve of its own, with the weight
/// of total variation that was set last.
#pragma once

#include <cmath>
#include <string>

#include "device/buffer.hpp"
#include "device/filter_pairs.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/run_and_sum.hpp"
#include "inversion/nltv.hpp"
#include "inversion/nltv_step.hpp"
#include "inversion/spectrum_bands.hpp"
#include "math/finite.hpp"
#include "math/pad.hpp"

namespace qsm {
namespace nltv_step {

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
  float mu2, relaxation;
  Field<float> u;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const {
    float const z2 = weight[i] * phi[i] / (weight[i] + mu2);
    u[i] = (1 - relaxation) * z2;
    packed[i] = {0, z2};
  }
};

/// Where the data count: the voxels of the noise's estimate.
struct HasWeight {
  Field<float const> weight;
  QSM_HD double operator()(Index3 i) const { return weight[i] > 0 ? 1.0 : 0.0; }
};

struct Weight {
  Field<float const> weight;
  QSM_HD double operator()(Index3 i) const { return static_cast<double>(weight[i]); }
};

/// D x in the real part.
struct ApplyDipole {
  Field<float const> dipole;  // half spectrum
  float scale;                // 1/N of the transform pair
  QSM_HD void operator()(Index3 k, Complex& at, Complex& mirror) const {
    at = (scale * dipole[k]) * at;
    mirror = conj(at);
  }
};

/// W (1 - cos(D x - phi))
struct Misfit {
  Field<float const> weight, phi;
  Field<Complex const> packed;
  QSM_HD double operator()(Index3 i) const {
    return static_cast<double>(weight[i] * (1 - cosf(packed[i].re - phi[i])));
  }
};

struct Variation {
  Field<float const> x;
  Vec3 scale;
  QSM_HD double operator()(Index3 i) const {
    double sum = 0;
    for (int axis = 0; axis < 3; ++axis)
      sum += static_cast<double>(fabsf(forward_difference(x, i, axis, scale[axis])));
    return sum;
  }
};

/// phi, or x inside the mask, to be transformed.
struct PackReal {
  Field<float const> value;
  Field<std::uint8_t const> mask;
  Window window;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const {
    bool const inside = window.grid.contains(i) && mask[i + window.origin];
    packed[i] = {inside ? value[i] : 0.0f, 0.0f};
  }
};

struct PackWhole {
  Field<float const> value;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const { packed[i] = {value[i], 0.0f}; }
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

}  // namespace nltv_step

template <class Device>
class NltvSolver {
 public:
  /// Allocates everything. `load` names the field, the mask and the weight,
  /// which must outlive the solver; its outputs are set here.
  NltvSolver(Device const& device, PaddedProblem const& problem, Vec3d voxel_mm, Vec3d b0_direction,
             NltvOptions const& options, nltv_step::LoadData load)
      : device_(device),
        options_(options),
        problem_(problem),
        grid_(problem.grid),
        voxel_mm_(voxel_mm),
        mask_(load.mask),
        kernel_(dipole_kernel(grid_, voxel_mm, b0_direction)),
        scale_(options.scale_gradients ? gradient_scale(voxel_mm) : Vec3{1, 1, 1}),
        mu2_(static_cast<float>(options.mu2)),
        fft_(device, grid_),
        packed_(device, grid_),
        qx_(device, grid_),
        qy_(device, grid_),
        qz_(device, grid_),
        u_(device, grid_),
        phi_(device, grid_),
        weight_(device, grid_),
        x_(device, grid_),
        dipole_(device, half_grid(grid_)),
        inverse_(device, half_grid(grid_)),
        scratch_(sum_scratch(device, grid_)) {
    load.phi = phi_.field();
    load.weight = weight_.field();
    for_each_voxel(device_, grid_, load);
  }

  /// Before the first run, and whenever the weight of total variation changes.
  void regularise(double alpha, double mu1) {
    mu1_ = static_cast<float>(mu1);
    threshold_ = static_cast<float>(alpha / mu1);
    for_each_voxel(device_, half_grid(grid_),
                   nltv_step::FillMultipliers{.dipole = kernel_,
                                              .scale = scale_,
                                              .mu1 = mu1,
                                              .mu2 = options_.mu2,
                                              .dipole_out = dipole_.field(),
                                              .inverse_out = inverse_.field()});
  }

  struct Ended {
    int iterations = 0;
    bool converged = false;
  };

  /// Iterates from x = 0 until |x - x_previous| / |x| < tolerance, at least 5 times, or `most`
  /// times. Calls on_iteration(count, change). Throws Error{kNotConverged, "NOT_CONVERGED"} where a
  /// number is no longer finite.
  template <class OnIteration>
  Ended run(int most, double tolerance, OnIteration on_iteration) {
    start();
    // max_iterations of them mean the quadratic misfit throughout, also in a shorter run.
    int const linear_iterations =
        options_.linear_iterations >= options_.max_iterations ? most : options_.linear_iterations;
    for (int iteration = 1;; ++iteration) {
      solve_for_x();
      double const change = iteration <= linear_iterations ? update_splitting_and_pack<true>()
                                                           : update_splitting_and_pack<false>();
      if (!std::isfinite(change))
        throw Error(
            ErrorCode::kNotConverged, "NOT_CONVERGED",
            "the inversion left the finite numbers in iteration " + std::to_string(iteration));
      on_iteration(iteration, change);
      bool const converged = change == 0 || (iteration >= 5 && change < tolerance);
      if (converged || iteration >= most) return {iteration, converged};
    }
  }

  /// Standard deviation of the phase's noise [rad]: noise_on_cone() over the voxels with weight.
  double noise_rad() {
    double const voxels = sum_over(device_, grid_, nltv_step::HasWeight{weight_.view()});
    return with_spectrum(phi_.view(), [&](Field<Complex const> spectrum) {
      return noise_on_cone(device_, kernel_, voxel_mm_, spectrum, voxels, scratch_);
    });
  }

  /// balance_of_bands() of x inside the mask.
  double band_balance() {
    return with_spectrum(x_.view(), [&](Field<Complex const> spectrum) {
      return balance_of_bands(device_, kernel_, voxel_mm_, spectrum, scratch_);
    });
  }

  /// sum W (1 - cos(D x - phi)) of the last run.
  double misfit() {
    for_each_voxel(device_, grid_, nltv_step::PackWhole{x_.view(), packed_.field()});
    filter_pairs(device_, fft_, packed_.field(),
                 nltv_step::ApplyDipole{dipole_.view(), fft_.scale()});
    return sum_over(device_, grid_, nltv_step::Misfit{weight_.view(), phi_.view(), packed_.view()});
  }

  /// |grad x|_1 of the last run.
  double variation() const {
    return sum_over(device_, grid_, nltv_step::Variation{x_.view(), scale_});
  }

  double sum_of_weights() const {
    return sum_over(device_, grid_, nltv_step::Weight{weight_.view()});
  }

  void store(double phase_scale, Field<float> chi_ppm) const {
    for_each_voxel(
        device_, chi_ppm.grid,
        nltv_step::StoreSusceptibility{.x = x_.view(),
                                       .mask = mask_,
                                       .window = problem_.window,
                                       .inverse_scale = static_cast<float>(1 / phase_scale),
                                       .chi_ppm = chi_ppm});
  }

 private:
  /// One complex transform, in the volume that a run starts by filling.
  template <class Measure>
  double with_spectrum(Field<float const> value, Measure measure) {
    for_each_voxel(
        device_, grid_,
        nltv_step::PackReal{
            .value = value, .mask = mask_, .window = problem_.window, .packed = packed_.field()});
    fft_.forward(packed_.field());
    return measure(packed_.view());
  }

  void start() {
    for (auto* zeroed : {&qx_, &qy_, &qz_, &x_}) zeroed->zero();
    for_each_voxel(device_, grid_,
                   nltv_step::StartPacked{.phi = phi_.view(),
                                          .weight = weight_.view(),
                                          .mu2 = mu2_,
                                          .relaxation = static_cast<float>(options_.relaxation),
                                          .u = u_.field(),
                                          .packed = packed_.field()});
  }

  void solve_for_x() {
    filter_pairs(
        device_, fft_, packed_.field(),
        nltv_step::SolvePacked{
            .dipole = dipole_.view(), .inverse = inverse_.view(), .mu1 = mu1_, .mu2 = mu2_});
  }

  /// Returns |x - x_previous| / |x|; 0 for x = 0.
  template <bool kLinear>
  double update_splitting_and_pack() {
    Sums const squares = run_and_sum(
        device_, grid_,
        nltv_step::UpdateSplitting<kLinear>{.scale = scale_,
                                            .threshold = threshold_,
                                            .mu2 = mu2_,
                                            .relaxation = static_cast<float>(options_.relaxation),
                                            .phi = phi_.view(),
                                            .weight = weight_.view(),
                                            .q = {qx_.field(), qy_.field(), qz_.field()},
                                            .u = u_.field(),
                                            .x = x_.field(),
                                            .packed = packed_.field()},
        nltv_step::TakeDivergence{.q = {qx_.view(), qy_.view(), qz_.view()},
                                  .scale = scale_,
                                  .threshold = threshold_,
                                  .packed = packed_.field()},
        scratch_);
    return squares.first == 0 ? 0 : std::sqrt(squares.second / squares.first);
  }

  Device const& device_;
  NltvOptions options_;
  PaddedProblem problem_;
  Grid grid_;
  Vec3d voxel_mm_;
  Field<std::uint8_t const> mask_;
  DipoleKernel kernel_;
  Vec3 scale_;
  float mu1_ = 0, mu2_, threshold_ = 0;
  ComplexFft<Device> fft_;
  Buffer<Device, Complex> packed_;
  Buffer<Device, float> qx_, qy_, qz_, u_, phi_, weight_, x_, dipole_, inverse_;
  SumScratch<Device> scratch_;
};

}  // namespace qsm
