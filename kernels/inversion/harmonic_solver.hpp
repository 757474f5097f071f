/// Total variation beside a weakly harmonic background (harmonic_step.hpp has the functional and
/// the passes).
#pragma once

#include "inversion/admm.hpp"
#include "inversion/harmonic_step.hpp"
#include "inversion/phase_problem.hpp"

namespace qsm {

template <class Device>
class HarmonicSolver {
 public:
  /// beta as published. muh there is 3; solved for map and background at once, a hundredth of it
  /// leads to in 40 iterations what 3 does not in 150.
  static constexpr float kBeta = 150, kMuh = 0.03f;

  /// Allocates everything. `edges`: as TvSolver's.
  HarmonicSolver(PhaseProblem<Device>& problem, Buffer<Device, std::uint8_t> edges)
      : problem_(problem),
        edges_(std::move(edges)),
        inside_(problem.device, problem.grid),
        real_fft_(problem.device, problem.grid),
        curvature_(problem.device, problem.grid),
        wanted_(problem.device, half_grid(problem.grid)),
        solved_(problem.device, half_grid(problem.grid)),
        qx_(problem.device, problem.grid),
        qy_(problem.device, problem.grid),
        qz_(problem.device, problem.grid),
        qh_(problem.device, problem.grid),
        u_(problem.device, problem.grid),
        squared_(problem.device, half_grid(problem.grid)) {
    for_each_voxel(problem.device, problem.grid,
                   harmonic_step::LoadMask{problem.mask, problem.window, inside_.field()});
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
    for (auto* zeroed : {&qx_, &qy_, &qz_, &qh_, &curvature_, &problem_.x}) zeroed->zero();
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
    return with_misfit(misfit, [&](auto m) {
      return edges_ ? update<decltype(m)::value, true>() : update<decltype(m)::value, false>();
    });
  }

  double misfit() {
    return sum_over(problem_.device, problem_.grid,
                    harmonic_step::MisfitOfSplitting{.misfit = problem_.misfit,
                                                     .relaxation = problem_.relaxation,
                                                     .weight = problem_.weight.view(),
                                                     .phi = problem_.phi.view(),
                                                     .u = u_.view(),
                                                     .packed = problem_.packed.view()});
  }

 private:
  template <Misfit kMisfit, bool kEdges>
  Sums update() {
    tv_step::Faces<kEdges> const faces{shrinkage_, edges_.view()};
    return run_and_sum(problem_.device, problem_.grid,
                       harmonic_step::UpdateSplitting<kMisfit, kEdges>{
                           .total_variation = {.scale = problem_.gradient,
                                               .faces = faces,
                                               .mu2 = mu2_,
                                               .relaxation = problem_.relaxation,
                                               .phi = problem_.phi.view(),
                                               .weight = problem_.weight.view(),
                                               .q = {qx_.field(), qy_.field(), qz_.field()},
                                               .u = u_.field(),
                                               .x = problem_.x.field(),
                                               .packed = problem_.packed.field()},
                           .inside = inside_.view(),
                           .kept = kMuh / (kMuh + kBeta),
                           .qh = qh_.field(),
                           .curvature = curvature_.field()},
                       tv_step::TakeDivergence<kEdges>{.q = {qx_.view(), qy_.view(), qz_.view()},
                                                       .scale = problem_.gradient,
                                                       .faces = faces,
                                                       .packed = problem_.packed.field()},
                       problem_.scratch);
  }

  PhaseProblem<Device>& problem_;
  float mu1_ = 0, mu2_ = 0, ridge_ = 0;
  Shrinkage shrinkage_{};
  Buffer<Device, std::uint8_t> edges_, inside_;
  RealFft<Device> real_fft_;
  Buffer<Device, float> curvature_;
  Buffer<Device, Complex> wanted_, solved_;
  Buffer<Device, float> qx_, qy_, qz_, qh_, u_, squared_;
};

}  // namespace qsm
