/// Sine and cosine of an angle within half a turn, by one odd polynomial: rows of them are
/// vectorised, and g++ and nvcc evaluate them alike, neither of which libm's do.
#pragma once

#include <cmath>
#include <numbers>

#include "device/grid.hpp"

namespace qsm {
namespace detail {

/// sin x for |x| <= pi/2, to 5e-9 before rounding (least squares over Chebyshev points).
QSM_HD float quarter_sine(float x) {
  float const s = x * x;
  return x +
         x * s * (-0.166666603f + s * (0.00833308438f + s * (-0.0001981087f + s * 2.60845026e-6f)));
}

}  // namespace detail

/// sin x, |x| <= pi.
QSM_HD float sine(float x) {
  constexpr float kPi = std::numbers::pi_v<float>;
  float const size = fabsf(x);
  return copysignf(detail::quarter_sine(size > kPi / 2 ? kPi - size : size), x);
}

/// cos x, |x| <= pi.
QSM_HD float cosine(float x) {
  return detail::quarter_sine(std::numbers::pi_v<float> / 2 - fabsf(x));
}

}  // namespace qsm
