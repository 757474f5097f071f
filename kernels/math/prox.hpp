/// The proximal maps of the phase's misfits, per voxel, in registers. First that of the squared
/// complex difference:
///
///   y = argmin_y  W (1 - cos(y - d)) + (mu2 / 2) y^2     <=>   W sin(y - d) + mu2 y = 0
///
/// With d = wrap(phi - v), z = v + y minimises W (1 - cos(z - phi)) + (mu2 / 2) (z - v)^2.
/// For W < mu2 there is one root, between 0 and d, at most W / mu2 away from 0.
#pragma once

#include <cmath>
#include <numbers>

#include "device/grid.hpp"
#include "math/sine.hpp"

namespace qsm {

/// x^(1/3) to 3e-5, 0 <= x finite: a third of the exponent, and a step of Halley's.
QSM_HD float rough_cube_root(float x) {
  float const y = __builtin_bit_cast(float, __builtin_bit_cast(unsigned, x) / 3 + 709921077u);
  float const cube = y * y * y;
  return y * (cube + 2 * x) / (2 * cube + x);
}

/// `d` in [-pi, pi], 0 <= W < mu2.
///
/// With a = W / mu2, M = pi - |d| and F = M + |y| this is Kepler's equation, F - a sin F = M.
/// Markley's cubic starter (Celestial Mechanics 63:101, 1995) is within 4.4e-4 of F for all a < 1
/// and all M, so that one step of Newton's ends it: 8e-8 in exact arithmetic. No loop and no
/// branch, so that rows are vectorised, and the same operations on both processors.
QSM_HD float prox_phase(float weight, float d, float mu2) {
  constexpr double kPi = std::numbers::pi;
  constexpr double kTaylor = kPi * kPi - 6;  // of the starter's fit to the sine
  float const a = weight / mu2, distance = fabsf(d), rest = 1 - a;
  float const mean = static_cast<float>(kPi) - distance;  // the mean anomaly M
  float const alpha = static_cast<float>(3 * kPi * kPi / kTaylor) +
                      static_cast<float>(1.6 * kPi / kTaylor) * distance / (1 + a);
  float const b = 3 * rest + alpha * a;
  float const q = 2 * alpha * b * rest - mean * mean;
  float const r = (3 * alpha * b * (b - rest) + mean * mean) * mean;
  float const square = q * q * q + r * r;
  float const root = rough_cube_root(r + sqrtf(square > 0 ? square : 0.0f));
  float const w = root * root;
  float const e = w * w + w * q + q * q;
  float const anomaly = (2 * r * w + mean * e) / (e * b);

  float y = anomaly - mean;
  float const left = distance - y;
  y -= (y - a * sine(left)) / (1 + a * cosine(left));
  float const bound = a < distance ? a : distance;
  y = y < 0 ? 0.0f : y > bound ? bound : y;
  return copysignf(y, d);
}

/// argmin_y  2 w |sin((y - d) / 2)| + (mu2 / 2) y^2 for `d` in [-pi, pi], 0 <= w < mu2.
///
/// Between 0 and d the derivative F(y) = y - a cos((|d| - y) / 2), a = w / mu2, rises (F' >= 1/2)
/// and is convex, so there is one minimum: |d| itself where |d| <= a, else the root. Newton's steps
/// from y = a, where F >= 0, come down to it: the error squared over 4 each, below 1e-8 after four.
///
/// L1-QSM splits the complex difference off as a variable of its own (four volumes more), whose
/// linearised step is singular; per voxel the misfit is this function of one angle.
QSM_HD float prox_absolute_phase(float weight, float d, float mu2) {
  float const a = weight / mu2, distance = fabsf(d);
  float y = a < distance ? a : distance;
  for (int step = 0; step < 4; ++step) {
    float const half = 0.5f * (distance - y);
    y -= (y - a * cosine(half)) / (1 - 0.5f * a * sine(half));
    y = y < 0 ? 0.0f : y < distance ? y : distance;
  }
  return copysignf(distance <= a ? distance : y, d);
}

}  // namespace qsm
