/// Guards against NaN and infinity that g++ and nvcc evaluate alike, without libm.
#pragma once

#include "math/complex.hpp"

namespace qsm {

QSM_HD bool is_finite(float v) {
  return v - v == 0;
}
QSM_HD bool is_finite(double v) {
  return v - v == 0;
}
QSM_HD float finite_or_zero(float v) {
  return is_finite(v) ? v : 0.0f;
}
QSM_HD Complex finite_or_zero(Complex v) {
  return is_finite(v.re) && is_finite(v.im) ? v : Complex{};
}

}  // namespace qsm
