#include "support/oracle_vsharp.hpp"

#include <algorithm>
#include <cmath>

#include "support/oracle_dft.hpp"
#include "support/oracle_mask.hpp"

namespace qsm::oracle {
namespace {

using Matrix = std::array<Vector, 3>;

double determinant(Matrix const& m) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
         m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

// Cramer's rule: component i is det(C with column i replaced) / det(C).
Vector solve(Matrix const& c, Vector const& rhs) {
  Vector x{};
  for (std::size_t i = 0; i < 3; ++i) {
    Matrix replaced = c;
    for (std::size_t row = 0; row < 3; ++row) replaced[row][i] = rhs[row];
    x[i] = determinant(replaced) / determinant(c);
  }
  return x;
}

Vector squared_offset(Voxel o, Vector h) {
  return {o.i * h[0] * o.i * h[0], o.j * h[1] * o.j * h[1], o.k * h[2] * o.k * h[2]};
}

void match_moments(std::vector<BallPoint>& points, Vector h) {
  double const count = static_cast<double>(points.size());
  Vector mean{};
  Matrix covariance{};
  for (auto const& p : points)
    for (std::size_t i = 0; i < 3; ++i) mean[i] += squared_offset(p.offset, h)[i] / count;
  for (auto const& p : points) {
    Vector const q = squared_offset(p.offset, h);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j)
        covariance[i][j] += (q[i] - mean[i]) * (q[j] - mean[j]) / count;
  }
  double const target = (mean[0] + mean[1] + mean[2]) / 3;
  Vector const c = solve(covariance, {target - mean[0], target - mean[1], target - mean[2]});
  std::vector<BallPoint> matched = points;
  bool positive = true;  // also false for the NaN of a singular covariance
  for (auto& p : matched) {
    Vector const q = squared_offset(p.offset, h);
    for (std::size_t i = 0; i < 3; ++i) p.weight += c[i] * (q[i] - mean[i]) / count;
    positive = positive && p.weight > 0;
  }
  if (positive) points = matched;
}

}  // namespace

std::vector<BallPoint> ball(double radius, Vector h, bool moment_match) {
  Voxel const reach = {static_cast<int>(radius / h[0]) + 1, static_cast<int>(radius / h[1]) + 1,
                       static_cast<int>(radius / h[2]) + 1};
  std::vector<BallPoint> points;
  for (int k = -reach.k; k <= reach.k; ++k)
    for (int j = -reach.j; j <= reach.j; ++j)
      for (int i = -reach.i; i <= reach.i; ++i) {
        Vector const q = squared_offset({i, j, k}, h);
        if (q[0] + q[1] + q[2] <= radius * radius) points.push_back({{i, j, k}, 0});
      }
  for (auto& p : points) p.weight = 1 / static_cast<double>(points.size());
  if (moment_match) match_moments(points, h);
  return points;
}

Real spherical_mean_difference(Real const& field, Mask const& mask, Vector voxel_mm,
                               std::vector<double> const& radii, bool moment_match, Mask& kept) {
  Real const distance = distance_to_background(mask, voxel_mm, true);
  std::vector<std::vector<BallPoint>> balls;
  for (double const r : radii) balls.push_back(ball(r, voxel_mm, moment_match));
  Real filtered(field.size);
  every_voxel(field.size, [&](Voxel v) {
    kept.at(v) = distance.at(v) > radii.back() * (1 + 1e-6);
    if (!kept.at(v)) return;
    std::size_t r = 0;
    while (radii[r] * (1 + 1e-6) >= distance.at(v)) ++r;
    double mean = 0;
    for (auto const& p : balls[r])
      mean += p.weight * field.at({v.i + p.offset.i, v.j + p.offset.j, v.k + p.offset.k});
    filtered.at(v) = field.at(v) - mean;
  });
  return filtered;
}

Real deconvolve_ball(Real const& filtered, std::vector<BallPoint> const& points, double threshold) {
  Size const s = filtered.size;
  Real kernel(s);
  for (auto const& p : points) {
    Voxel const v = {((p.offset.i % s.nx) + s.nx) % s.nx, ((p.offset.j % s.ny) + s.ny) % s.ny,
                     ((p.offset.k % s.nz) + s.nz) % s.nz};
    kernel.at(v) += p.weight;
  }
  Real inverse = real_part(dft(kernel));  // the ball is symmetric: its transform is real
  for (double& g : inverse.data) g = std::abs(1 - g) < threshold ? 0 : 1 / (1 - g);
  inverse.data[0] = 0;
  return multiply_spectrum(filtered, inverse);
}

Real vsharp(Real const& field, Mask const& mask, Vector voxel_mm, std::vector<double> radii,
            double threshold, bool moment_match, std::function<Size(Size, double)> const& working,
            Mask& kept) {
  Real const distance = distance_to_background(mask, voxel_mm, true);
  double const deepest = *std::max_element(distance.data.begin(), distance.data.end());
  while (radii.front() * (1 + 1e-6) >= deepest) radii.erase(radii.begin());
  Real const filtered = spherical_mean_difference(field, mask, voxel_mm, radii, moment_match, kept);

  Voxel first = {mask.size.nx, mask.size.ny, mask.size.nz}, last;
  every_voxel(mask.size, [&](Voxel v) {
    for (int axis = 0; axis < 3; ++axis)
      if (mask.at(v)) {
        first[axis] = std::min(first[axis], v[axis]);
        last[axis] = std::max(last[axis], v[axis]);
      }
  });
  auto const moved = [&](Voxel v) { return Voxel{v.i - first.i, v.j - first.j, v.k - first.k}; };
  Voxel const end = moved(last);
  Real box(working({end.i + 1, end.j + 1, end.k + 1}, radii.front()));
  every_voxel(mask.size, [&](Voxel v) {
    if (kept.at(v)) box.at(moved(v)) = filtered.at(v);
  });
  Real const deconvolved =
      deconvolve_ball(box, ball(radii.front(), voxel_mm, moment_match), threshold);
  Real local(field.size);
  every_voxel(mask.size, [&](Voxel v) {
    if (kept.at(v)) local.at(v) = deconvolved.at(moved(v));
  });
  return local;
}

}  // namespace qsm::oracle
