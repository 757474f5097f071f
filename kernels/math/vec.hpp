/// Three numbers along x, y, z, and the angle helpers every stage shares.
#pragma once

#include <cmath>
#include <numbers>

#include "device/grid.hpp"

namespace qsm {

struct Vec3 {
  float x = 0, y = 0, z = 0;
  QSM_HD float operator[](int axis) const { return axis == 0 ? x : axis == 1 ? y : z; }
};

QSM_HD Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
QSM_HD float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

struct Vec3d {
  double x = 0, y = 0, z = 0;
  QSM_HD double operator[](int axis) const { return axis == 0 ? x : axis == 1 ? y : z; }
};

QSM_HD Vec3d operator+(Vec3d a, Vec3d b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
QSM_HD Vec3d operator-(Vec3d a, Vec3d b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
QSM_HD Vec3d operator*(double s, Vec3d a) { return {s * a.x, s * a.y, s * a.z}; }
QSM_HD double dot(Vec3d a, Vec3d b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
QSM_HD Vec3d cross(Vec3d a, Vec3d b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
QSM_HD Vec3d normalized(Vec3d a) {
  double const length = sqrt(dot(a, a));
  return {a.x / length, a.y / length, a.z / length};
}

/// a - 2 pi rint(a / 2 pi), in [-pi, pi] (algorithms: one rule on both processors).
QSM_HD float wrap(float a) {
  constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;
  return a - kTwoPi * rintf(a / kTwoPi);
}

/// Proton gyromagnetic ratio / 2 pi [MHz/T], CODATA 2018. Also Hz per (ppm x T).
inline constexpr double kGammaBar = 42.577478518;

/// Signed DFT frequency index: k for k <= (n-1)/2, else k - n.
QSM_HD int signed_frequency(int k, int n) { return k <= (n - 1) / 2 ? k : k - n; }

}  // namespace qsm
