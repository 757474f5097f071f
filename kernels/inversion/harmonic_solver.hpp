/// Total variation beside a weakly harmonic background (harmonic_step.hpp has the functional and
/// the passes).
#pragma once

#include "inversion/admm.hpp"
#include "inversion/gradient_splitting.hpp"
#include "inversion/harmonic_step.hpp"

namespace qsm {

template <class Device>
class HarmonicSolver {
 public:
  /// beta as published. muh there is 3; solved for map and background at once, a hundredth of it
  /// leads to in 40 iterations what 3 does not in 150.
  static constexpr float kBeta = 150, kMuh = 0.03f;

  /// Allocates everything. `edges`: as GradientSplitting's.
  HarmonicSolver(PhaseProblem<Device>& problem, Buffer<Device, std::uint8_t> edges)
      : problem_(problem),
        gradient_(problem, std::move(edges)),
        inside_(problem.device, problem.grid),
        real_fft_(problem.device, problem.grid),
        curvature_(problem.device, problem.grid),
        wanted_(problem.device, half_grid(problem.grid)),
        solved_(problem.device, half_grid(problem.grid)),
        qh_(problem.device, problem.grid),
        squared_(problem.device, half_grid(problem.grid)) {
    for_each_voxel(problem.device, problem.grid,
                   Embed<std::uint8_t>{problem.mask, problem.window, inside_.field()});
    for_each_voxel(problem.device, squared_.grid(),
                   harmonic_step::FillSymbol{problem.grid, problem.gradient, squared_.field()});
  }

  PhaseProblem<Device>& problem() { return problem_; }

  void regularise(Regularisation const& r) {
    mu1_ = static_cast<float>(r.mu1);
    mu2_ = static_cast<float>(r.mu2);
    ridge_ = static_cast<float>(r.ridge);
    shrinkage_ = r.shrinkage();
  }

  void start() {
    for (auto* zeroed : {&qh_, &curvature_}) zeroed->zero();
    gradient_.start();
    problem_.start(mu2_);
  }

  /// The squares of x and of its change.
  Sums iterate(Misfit misfit) {
    real_fft_.forward(curvature_.view(), wanted_.field());
    filter_pairs(problem_.device, problem_.fft, problem_.packed.field(),
                 harmonic_step::Solve{.dipole = problem_.dipole.view(),
                                      .squared = squared_.view(),
                                      .nx = problem_.grid.nx,
                                      .mu1 = mu1_,
                                      .mu2 = mu2_,
                                      .muh = kMuh,
                                      .ridge = ridge_,
                                      .scale = problem_.fft.scale(),
                                      .wanted = wanted_.view(),
                                      .curvature = solved_.field()});
    real_fft_.inverse(solved_.field(), curvature_.field());
    return gradient_.update(misfit, shrinkage_, mu2_, [&](auto const& kernel) {
      return harmonic_step::UpdateSplitting<std::decay_t<decltype(kernel)>>{
          .total_variation = kernel,
          .inside = inside_.view(),
          .kept = kMuh / (kMuh + kBeta),
          .qh = qh_.field(),
          .curvature = curvature_.field()};
    });
  }

  double misfit() {
    return sum_over(problem_.device, problem_.grid,
                    harmonic_step::MisfitOfSplitting{.misfit = problem_.misfit,
                                                     .relaxation = problem_.relaxation,
                                                     .weight = problem_.weight.view(),
                                                     .phi = problem_.phi.view(),
                                                     .u = problem_.u.view(),
                                                     .packed = problem_.packed.view()});
  }

 private:
  PhaseProblem<Device>& problem_;
  float mu1_ = 0, mu2_ = 0, ridge_ = 0;
  Shrinkage shrinkage_{};
  GradientSplitting<Device> gradient_;
  Buffer<Device, std::uint8_t> inside_;
  RealFft<Device> real_fft_;
  Buffer<Device, float> curvature_;
  Buffer<Device, Complex> wanted_, solved_;
  Buffer<Device, float> qh_, squared_;
};

}  // namespace qsm
