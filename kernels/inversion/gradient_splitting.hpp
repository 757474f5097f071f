/// The splitting of total variation, z1 = grad x, over one problem: its volumes and its pass, which
/// takes the data's splitting along (tv_step.hpp).
#pragma once

#include "inversion/phase_problem.hpp"
#include "inversion/tv_step.hpp"

namespace qsm {

template <class Device>
class GradientSplitting {
 public:
  /// Allocates. `edges`: of the problem's grid, or empty; bit i of a voxel frees the difference
  /// along axis i.
  GradientSplitting(PhaseProblem<Device>& problem, Buffer<Device, std::uint8_t> edges)
      : problem_(problem),
        edges_(std::move(edges)),
        qx_(problem.device, problem.grid),
        qy_(problem.device, problem.grid),
        qz_(problem.device, problem.grid) {}

  void start() {
    for (auto* zeroed : {&qx_, &qy_, &qz_}) zeroed->zero();
  }

  /// The squares of x and of its change. `extend(kernel)`: the point kernel to run in the place of
  /// tv_step::UpdateSplitting, which it calls.
  template <class Extend>
  Sums update(Misfit misfit, Shrinkage shrinkage, float mu2, Extend extend) {
    return with_misfit(misfit, [&](auto m) {
      return edges_ ? update<decltype(m)::value, true>(shrinkage, mu2, extend)
                    : update<decltype(m)::value, false>(shrinkage, mu2, extend);
    });
  }

 private:
  template <Misfit kMisfit, bool kEdges, class Extend>
  Sums update(Shrinkage shrinkage, float mu2, Extend extend) {
    tv_step::Faces<kEdges> const faces{shrinkage, edges_.view()};
    return run_and_sum(problem_.device, problem_.grid,
                       extend(tv_step::UpdateSplitting<kMisfit, kEdges>{
                           .scale = problem_.gradient,
                           .faces = faces,
                           .mu2 = mu2,
                           .relaxation = problem_.relaxation,
                           .phi = problem_.phi.view(),
                           .weight = problem_.weight.view(),
                           .q = {qx_.field(), qy_.field(), qz_.field()},
                           .u = problem_.u.field(),
                           .x = problem_.x.field(),
                           .packed = problem_.packed.field()}),
                       tv_step::TakeDivergence<kEdges>{.q = {qx_.view(), qy_.view(), qz_.view()},
                                                       .scale = problem_.gradient,
                                                       .faces = faces,
                                                       .packed = problem_.packed.field()},
                       problem_.scratch);
  }

  PhaseProblem<Device>& problem_;
  Buffer<Device, std::uint8_t> edges_;
  Buffer<Device, float> qx_, qy_, qz_;
};

}  // namespace qsm
