/// Total variation over one problem (variational.hpp has the functional, tv_step.hpp the passes).
#pragma once

#include "inversion/admm.hpp"
#include "inversion/gradient_splitting.hpp"

namespace qsm {

template <class Device>
class TvSolver {
 public:
  /// Allocates everything. `edges`: as GradientSplitting's.
  TvSolver(PhaseProblem<Device>& problem, Buffer<Device, std::uint8_t> edges)
      : problem_(problem),
        gradient_(problem, std::move(edges)),
        inverse_(problem.device, half_grid(problem.grid)) {}

  PhaseProblem<Device>& problem() { return problem_; }

  void regularise(Regularisation const& r) {
    mu1_ = static_cast<float>(r.mu1);
    mu2_ = static_cast<float>(r.mu2);
    shrinkage_ = r.shrinkage();
    for_each_voxel(problem_.device, inverse_.grid(),
                   tv_step::FillInverse{.dipole = problem_.kernel,
                                        .scale = problem_.gradient,
                                        .mu1 = r.mu1,
                                        .mu2 = r.mu2,
                                        .ridge = r.ridge,
                                        .inverse = inverse_.field()});
  }

  void start() {
    gradient_.start();
    problem_.start(mu2_);
  }

  /// The squares of x and of its change.
  Sums iterate(Misfit misfit) {
    filter_pairs(problem_.device, problem_.fft, problem_.packed.field(),
                 tv_step::SolvePacked{.dipole = problem_.dipole.view(),
                                      .inverse = inverse_.view(),
                                      .mu1 = mu1_,
                                      .mu2 = mu2_});
    return gradient_.update(misfit, shrinkage_, mu2_, [](auto const& kernel) { return kernel; });
  }

  double misfit() { return problem_.misfit_of_map(); }

 private:
  PhaseProblem<Device>& problem_;
  float mu1_ = 0, mu2_ = 0;
  Shrinkage shrinkage_{};
  GradientSplitting<Device> gradient_;
  Buffer<Device, float> inverse_;
};

}  // namespace qsm
