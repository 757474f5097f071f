/// The proximal map of the phase misfit, per voxel, in registers.
///
///   y = argmin_y  W (1 - cos(y - d)) + (mu2 / 2) y^2     <=>   g(y) = W sin(y - d) + mu2 y = 0
///
/// With d = wrap(phi - v), z = v + y minimises W (1 - cos(z - phi)) + (mu2 / 2) (z - v)^2.
/// For W < mu2, g increases strictly: one root, between 0 and d, at most W / mu2 away from 0.
#pragma once

#include <cmath>

#include "device/grid.hpp"

namespace qsm {

/// `d` in [-pi, pi], 0 <= W < mu2. Newton from the solution of the linearised equation; a step that
/// leaves the bracket of the root becomes a bisection. After a Newton step of size c the error is
/// at most W c^2 / (2 g'), which ends the loop: one step for |d| below 0.2, two up to about 1, up
/// to 16 at |d| = pi and W = 0.999 mu2. One sine and one cosine per step.
QSM_HD float prox_phase(float weight, float d, float mu2) {
  float const bound = weight / mu2;
  float low = d < 0 ? d : 0.0f;
  float high = d > 0 ? d : 0.0f;
  low = low < -bound ? -bound : low;
  high = high > bound ? bound : high;
  float y = weight * d / (weight + mu2);
  y = y < low ? low : y > high ? high : y;
  for (int step = 0; step < 16; ++step) {
    float const g = weight * sinf(y - d) + mu2 * y;
    float const slope = weight * cosf(y - d) + mu2;
    (g > 0 ? high : low) = y;
    float const change = g / slope;
    y -= change;
    bool const bracketed = y >= low && y <= high;
    if (bracketed && weight * change * change < 1e-6f * slope) break;
    if (!bracketed) y = 0.5f * (low + high);
  }
  return y;
}

}  // namespace qsm
