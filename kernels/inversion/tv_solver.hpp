/// Total variation over one problem (variational.hpp has the functional, tv_step.hpp the passes).
#pragma once

#include "inversion/admm.hpp"
#include "inversion/phase_problem.hpp"
#include "inversion/tv_step.hpp"

namespace qsm {

template <class Device>
class TvSolver {
 public:
  /// Allocates everything. `edges`: of the problem's grid, or empty; bit i of a voxel frees the
  /// difference along axis i.
  TvSolver(PhaseProblem<Device>& problem, Buffer<Device, std::uint8_t> edges)
      : problem_(problem),
        edges_(std::move(edges)),
        qx_(problem.device, problem.grid),
        qy_(problem.device, problem.grid),
        qz_(problem.device, problem.grid),
        u_(problem.device, problem.grid),
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
    for (auto* zeroed : {&qx_, &qy_, &qz_, &problem_.x}) zeroed->zero();
    for_each_voxel(problem_.device, problem_.grid,
                   StartField{.phi = problem_.phi.view(),
                              .weight = problem_.weight.view(),
                              .mu2 = mu2_,
                              .relaxation = problem_.relaxation,
                              .u = u_.field(),
                              .packed = problem_.packed.field()});
  }

  /// The squares of x and of its change.
  Sums iterate(Misfit misfit) {
    filter_pairs(problem_.device, problem_.fft, problem_.packed.field(),
                 tv_step::SolvePacked{.dipole = problem_.dipole.view(),
                                      .inverse = inverse_.view(),
                                      .mu1 = mu1_,
                                      .mu2 = mu2_});
    return with_misfit(misfit, [&](auto m) {
      return edges_ ? update<decltype(m)::value, true>() : update<decltype(m)::value, false>();
    });
  }

  double misfit() { return problem_.misfit_of_map(); }

 private:
  template <Misfit kMisfit, bool kEdges>
  Sums update() {
    tv_step::Faces<kEdges> const faces{shrinkage_, edges_.view()};
    return run_and_sum(
        problem_.device, problem_.grid,
        tv_step::UpdateSplitting<kMisfit, kEdges>{.scale = problem_.gradient,
                                                  .faces = faces,
                                                  .mu2 = mu2_,
                                                  .relaxation = problem_.relaxation,
                                                  .phi = problem_.phi.view(),
                                                  .weight = problem_.weight.view(),
                                                  .q = {qx_.field(), qy_.field(), qz_.field()},
                                                  .u = u_.field(),
                                                  .x = problem_.x.field(),
                                                  .packed = problem_.packed.field()},
        tv_step::TakeDivergence<kEdges>{.q = {qx_.view(), qy_.view(), qz_.view()},
                                        .scale = problem_.gradient,
                                        .faces = faces,
                                        .packed = problem_.packed.field()},
        problem_.scratch);
  }

  PhaseProblem<Device>& problem_;
  float mu1_ = 0, mu2_ = 0;
  Shrinkage shrinkage_{};
  Buffer<Device, std::uint8_t> edges_;
  Buffer<Device, float> qx_, qy_, qz_, u_, inverse_;
};

}  // namespace qsm
