/// Modulus and angle of complex volumes, as point kernels.
#pragma once

#include <cmath>

#include "device/field.hpp"
#include "math/complex.hpp"

namespace qsm {

struct Angle {
  Field<Complex const> value;
  float sign;
  Field<float> angle;  // sign arg(value), in [-pi, pi]
  QSM_HD void operator()(Index3 i) const { angle[i] = sign * atan2f(value[i].im, value[i].re); }
};

/// |z|^(1/2). hypot, because z is a square already and its own square may leave the range of float.
struct RootOfModulus {
  Field<Complex const> value;
  Field<float> root;
  QSM_HD void operator()(Index3 i) const { root[i] = sqrtf(hypotf(value[i].re, value[i].im)); }
};

}  // namespace qsm
