/// What the solvers of the family share, per voxel and per frequency: how a splitting moves, and
/// how two real volumes travel as one complex one.
///
/// ADMM in scaled form with over-relaxation r (Boyd et al. 2011 Found Trends Mach Learn 3:1). Of a
/// splitting z = K x with the multiplier s only q = z + s is stored where s is a function of q,
/// which it is behind a proximal map; and only u = (1 - r) z + s of the data's.
#pragma once

#include "device/field.hpp"
#include "device/run_and_sum.hpp"
#include "inversion/misfit.hpp"
#include "math/complex.hpp"
#include "math/shrink.hpp"

namespace qsm {

template <class T>
struct Three {
  Field<T> x, y, z;
};

/// s of a prior alpha |z| with the penalty mu: theta = alpha / mu. Huber's function of z, which is
/// alpha z^2 / (2 delta) below delta: steepness = theta / (theta + delta), 1 for the plain size.
struct Shrinkage {
  float theta, steepness;
  QSM_HD float multiplier(float q, float open = 1) const {
    return clamp(steepness * q, open * theta);
  }
  /// z - s, which the next x-update is to fit.
  QSM_HD float reflected(float q, float open = 1) const { return q - 2 * multiplier(q, open); }
};

/// q from K x, and z + s of before: r K x + (1 - r) z + s.
QSM_HD float relaxed(float value, float before, float s, float relaxation) {
  return relaxation * value + (1 - relaxation) * (before - s) + s;
}

struct FieldStep {
  float held;    // u
  float to_fit;  // z2 - s2
};

/// Voxels without data (weight 0) have y = 0.
template <Misfit kMisfit>
QSM_HD FieldStep field_step(float field, float held, float weight, float phase, float mu2,
                            float relaxation) {
  float const v = relaxation * field + held;
  float const y = misfit_step<kMisfit>(weight, phase - v, mu2);
  return {(1 - relaxation) * v - relaxation * y, v + 2 * y};
}

/// |x|^2 and |x - previous|^2
QSM_HD Sums squares(float x, float previous) {
  float const change = x - previous;
  return {static_cast<double>(x) * static_cast<double>(x),
          static_cast<double>(change) * static_cast<double>(change)};
}

/// Spectra of two real volumes.
struct TwoSpectra {
  Complex a, b;
};

/// Twice those of a and b from P = F(a + i b): P[k] + conj P[-k] and (P[k] - conj P[-k]) / i.
QSM_HD TwoSpectra twice_apart(Complex at, Complex mirror) {
  Complex const p = at, r = conj(mirror);
  return {p + r, {p.im - r.im, r.re - p.re}};
}

QSM_HD void pack_spectra(TwoSpectra s, Complex& at, Complex& mirror) {
  at = {s.a.re - s.b.im, s.a.im + s.b.re};
  mirror = {s.a.re + s.b.im, s.b.re - s.a.im};
}

}  // namespace qsm
