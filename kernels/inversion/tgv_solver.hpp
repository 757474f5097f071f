/// Total generalised variation over one problem (tgv_step.hpp has the functional and the passes).
#pragma once

#include "inversion/admm.hpp"
#include "inversion/phase_problem.hpp"
#include "inversion/tgv_step.hpp"

namespace qsm {

template <class Device>
class TgvSolver {
 public:
  /// Allocates everything.
  explicit TgvSolver(PhaseProblem<Device>& problem)
      : problem_(problem),
        slope_(problem.device, problem.grid),
        rest_(problem.device, problem.grid) {
    for (auto& q : q_) q = {problem.device, problem.grid};
    double const scale[3] = {problem.gradient.x, problem.gradient.y, problem.gradient.z};
    for (int axis = 0; axis < 3; ++axis) {
      auto& symbol = symbol_[axis];
      symbol = {problem.device, Grid{problem.grid.extent(axis), 1, 1}};
      for_each_voxel(problem.device, symbol.grid(),
                     tgv_step::FillSymbol{scale[axis], symbol.field()});
    }
  }

  PhaseProblem<Device>& problem() { return problem_; }

  void regularise(Regularisation const& r) {
    mu1_ = static_cast<float>(r.mu1);
    mu0_ = 2 * mu1_;
    mu2_ = static_cast<float>(r.mu2);
    ridge_ = static_cast<float>(r.ridge);
    shrinkage_ = r.shrinkage();
  }

  void start() {
    for (auto& q : q_) q.zero();
    for (auto* zeroed : {&slope_, &rest_}) zeroed->zero();
    problem_.start(mu2_);
  }

  /// The squares of x and of its change.
  Sums iterate(Misfit misfit) {
    auto const packed = this->packed();
    for (auto const& volume : {packed.map, packed.slope, packed.rest}) problem_.fft.forward(volume);
    for_each_pair(
        problem_.device, problem_.grid,
        tgv_step::Solve{.dipole = problem_.dipole.view(),
                        .symbol = {symbol_[0].view(), symbol_[1].view(), symbol_[2].view()},
                        .mu0 = mu0_,
                        .mu1 = mu1_,
                        .mu2 = mu2_,
                        .ridge = ridge_,
                        .scale = problem_.fft.scale(),
                        .packed = packed});
    for (auto const& volume : {packed.map, packed.slope, packed.rest}) problem_.fft.inverse(volume);
    return with_misfit(misfit, [&](auto m) { return update<decltype(m)::value>(); });
  }

  double misfit() { return problem_.misfit_of_map(); }

 private:
  tgv_step::Packed packed() { return {problem_.packed.field(), slope_.field(), rest_.field()}; }

  template <Misfit kMisfit>
  Sums update() {
    auto& q = q_;
    return run_and_sum(
        problem_.device, problem_.grid,
        tgv_step::UpdateSplitting<kMisfit>{.scale = problem_.gradient,
                                           .shrinkage = shrinkage_,
                                           .mu2 = mu2_,
                                           .relaxation = problem_.relaxation,
                                           .phi = problem_.phi.view(),
                                           .weight = problem_.weight.view(),
                                           .packed = packed(),
                                           .q1 = {q[0].field(), q[1].field(), q[2].field()},
                                           .q0 = {q[3].field(), q[4].field(), q[5].field(),
                                                  q[6].field(), q[7].field(), q[8].field()},
                                           .u = problem_.u.field(),
                                           .x = problem_.x.field()},
        tgv_step::TakeAdjoints{
            .scale = problem_.gradient,
            .shrinkage = shrinkage_,
            .mu0 = mu0_,
            .mu1 = mu1_,
            .q1 = {q[0].view(), q[1].view(), q[2].view()},
            .q0 = {q[3].view(), q[4].view(), q[5].view(), q[6].view(), q[7].view(), q[8].view()},
            .packed = packed()},
        problem_.scratch);
  }

  PhaseProblem<Device>& problem_;
  float mu0_ = 0, mu1_ = 0, mu2_ = 0, ridge_ = 0;
  Shrinkage shrinkage_{};
  Buffer<Device, Complex> symbol_[3];
  Buffer<Device, Complex> slope_, rest_;
  Buffer<Device, float> q_[9];
};

}  // namespace qsm
