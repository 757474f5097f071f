#include <array>
#include <cmath>

#include "math/pad.hpp"
#include "math/spherical_mean.hpp"

namespace qsm {
namespace {

using Moments = std::array<double, 3>;

/// c of C c = r for a symmetric 3x3 C, by Cramer's rule; zero where C is singular.
Moments solve3(std::array<Moments, 3> const& a, Moments const& r) {
  auto const determinant = [](std::array<Moments, 3> const& m) {
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  };
  double const whole_determinant = determinant(a);
  double const scale = (a[0][0] + a[1][1] + a[2][2]) / 3;
  if (std::abs(whole_determinant) <= 1e-9 * scale * scale * scale) return {};
  Moments c{};
  for (std::size_t column = 0; column < 3; ++column) {
    auto replaced = a;
    for (std::size_t row = 0; row < 3; ++row) replaced[row][column] = r[row];
    c[column] = determinant(replaced) / whole_determinant;
  }
  return c;
}

}  // namespace

BallWeights ball_weights(Vec3d voxel_mm, double radius_mm, bool moment_match) {
  auto const reach = [=](double h) { return static_cast<int>(std::floor(radius_mm / h)); };
  Index3 const r = {reach(voxel_mm.x), reach(voxel_mm.y), reach(voxel_mm.z)};
  BallWeights ball{{2 * r.x + 1, 2 * r.y + 1, 2 * r.z + 1}, {}};
  auto const squares = [&](std::size_t n) {
    Index3 const o = ball.grid.index(n) - r;
    auto const square = [](double v) { return v * v; };
    return Moments{square(o.x * voxel_mm.x), square(o.y * voxel_mm.y), square(o.z * voxel_mm.z)};
  };
  auto const inside = [&](Moments const& q) { return q[0] + q[1] + q[2] <= radius_mm * radius_mm; };

  double count = 0;
  Moments mean{};
  std::array<Moments, 3> covariance{};
  for (std::size_t n = 0; n < ball.grid.size(); ++n)
    if (auto const q = squares(n); inside(q)) {
      ++count;
      for (std::size_t i = 0; i < 3; ++i) {
        mean[i] += q[i];
        for (std::size_t j = 0; j < 3; ++j) covariance[i][j] += q[i] * q[j];
      }
    }
  for (double& m : mean) m /= count;
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      covariance[i][j] = covariance[i][j] / count - mean[i] * mean[j];

  double const target = (mean[0] + mean[1] + mean[2]) / 3;
  Moments c{};
  if (moment_match) c = solve3(covariance, {target - mean[0], target - mean[1], target - mean[2]});
  auto const weight = [&](Moments const& q) {
    double w = 1;
    for (std::size_t i = 0; i < 3; ++i) w += c[i] * (q[i] - mean[i]);
    return w / count;  // sum 1, because sum (q_i - m_i) = 0
  };
  for (std::size_t n = 0; n < ball.grid.size(); ++n)
    if (auto const q = squares(n); inside(q) && weight(q) <= 0) {
      c = {};
      break;
    }

  ball.values.resize(ball.grid.size());
  for (std::size_t n = 0; n < ball.grid.size(); ++n)
    if (auto const q = squares(n); inside(q)) ball.values[n] = static_cast<float>(weight(q));
  return ball;
}

}  // namespace qsm
