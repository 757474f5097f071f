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
/// leaves the bracket of the root becomes a bisection. At d = 0.3 two steps reach float precision,
/// at |d| = pi and W = 0.999 mu2 up to 16 are taken. One sine and one cosine per step.
QSM_HD float prox_phase(float weight, float d, float mu2) {
  float const bound = weight / mu2;
  float low = d < 0 ? d : 0.0f;
  float high = d > 0 ? d : 0.0f;
  low = low < -bound ? -bound : low;
  high = high > bound ? bound : high;
  float y = weight * d / (weight + mu2);
  for (int step = 0; step < 16; ++step) {
    float const g = weight * sinf(y - d) + mu2 * y;
    (g > 0 ? high : low) = y;
    float next = y - g / (weight * cosf(y - d) + mu2);
    if (!(next >= low && next <= high)) next = 0.5f * (low + high);
    float const change = fabsf(next - y);
    y = next;
    if (change < 1e-6f) break;
  }
  return y;
}

}  // namespace qsm
