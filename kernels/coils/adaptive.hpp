/// Adaptive combination (Walsh, Gmitro and Marcellin, MRM 2000;43:682): in every voxel the filter
/// that gathers the most signal from whitened coils.
///
///   R(n) = sum_o G(o) S(n + o) S(n + o)^H          over a neighbourhood, of the first echo
///   v(n) = its dominant eigenvector, |v| = 1;      S_e = v^H S_e for every echo
///
/// R is never formed: with a = u^H S, one step of the power iteration is R u = G * [S conj a], and
/// coil c of it needs coil c alone. So the coils are read once per step, one volume at a time, at
/// the cost of a smoothing each, and no memory grows with their number. (a takes u where its S is,
/// not in the middle of the neighbourhood; u is smooth, and the result is within 2e-4 of the
/// eigenvector's.) The first u is the virtual coil's alignment (virtual_coil.hpp), the same in
/// every voxel: every later v keeps its phase gauge, so no line begins where a single coil is dark.
/// Beside the dominant one the eigenvalues are those of the noise, lower by the neighbourhood's
/// squared signal-to-noise ratio, and each step shrinks what is left of them by that factor: three
/// steps reach the end.
///
/// As v is the same in all echoes the field is that of the object; what all echoes share, the
/// virtual coil's smooth phase, ends in the intercept of a fit.
///
///   per coil: observe(echo 1);  choose_voxel();  per coil: add_reference(echo 1)
///   refinements() times: per coil: refine(echo 1);  end_refinement()
///   per coil: begin_coil(echo 1), add(e, echo e) for every e
///   per echo: combined(e, magnitude, phase)
#pragma once

#include "coils/virtual_coil.hpp"
#include "coils/weighted_combination.hpp"
#include "math/gaussian.hpp"
#include "math/vec.hpp"

namespace qsm {

struct AdaptiveOptions {
  double sigma_mm = 2;  // of the neighbourhood, nowhere below 1 voxel: a ball of about 5 mm
  int steps = 3;        // of the power iteration
};

/// Memory: E + 4 complex volumes, two float volumes. Cost: steps + 1 passes over the first echo of
/// the coils and one over the others; per coil `steps` smoothings. Works with one coil.
template <class Device>
class AdaptiveCombination {
 public:
  /// Throws Error{kInvalidArgument, "OPTION_OUT_OF_RANGE"}: sigma_mm 0.5 to 20, steps 1 to 20.
  AdaptiveCombination(Device const& device, Grid grid, Vec3d voxel_mm, int echoes,
                      AdaptiveOptions const& options = {});

  // As VirtualCoil's.
  void observe(Field<Complex const> image) { coil_.observe(image); }
  Index3 choose_voxel() { return coil_.choose_voxel(); }
  void add_reference(Field<Complex const> image) { coil_.add(image); }

  int refinements() const { return steps_ - 1; }
  void refine(Field<Complex const> image);
  void end_refinement();

  void begin_coil(Field<Complex const> image);
  void add(int echo, Field<Complex const> image) { sum_.add(echo, image); }
  void combined(int echo, Field<float> magnitude, Field<float> phase_rad) const {
    sum_.combined(echo, magnitude, phase_rad);
  }

 private:
  void step(Field<Complex const> image);

  Device const& device_;
  Grid grid_;
  int steps_;
  VirtualCoil<Device> coil_;  // holds conj a
  SeparableFilter<Device> neighbourhood_;
  Buffer<Device, Complex> product_, vector_;  // S_c conj a; coil c of R u
  Buffer<Device, Complex> next_;              // sum_c conj of the next a
  Buffer<Device, float> squares_;
  WeightedCombination<Device> sum_;
};

}  // namespace qsm
