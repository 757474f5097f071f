#include "support/oracle_vsharp_ls.hpp"

#include "support/oracle_mask.hpp"

namespace qsm::oracle {
namespace {

double inner(Real const& a, Real const& b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.data.size(); ++n) sum += a.data[n] * b.data[n];
  return sum;
}

Voxel shifted(Voxel v, Voxel o) {
  return {v.i + o.i, v.j + o.j, v.k + o.k};
}

}  // namespace

BallDifference::BallDifference(Mask const& mask, Vector voxel_mm, std::vector<double> const& radii,
                               bool moment_match)
    : which_(mask.size) {
  Real const distance = distance_to_background(mask, voxel_mm, true);
  every_voxel(mask.size, [&](Voxel v) {
    int& ball = which_.at(v);
    for (double const r : radii) ball += r * (1 + 1e-6) >= distance.at(v);
  });
  for (double const r : radii) balls_.push_back(ball(r, voxel_mm, moment_match));
  balls_.emplace_back();
}

std::vector<BallPoint> const& BallDifference::ball_at(Voxel v) const {
  return balls_[static_cast<std::size_t>(which_.at(v))];
}

Real BallDifference::apply(Real const& x) const {
  Real out(x.size);
  every_voxel(x.size, [&](Voxel v) {
    auto const& points = ball_at(v);
    if (points.empty()) return;
    out.at(v) = x.at(v);
    for (auto const& p : points) out.at(v) -= p.weight * x.at(shifted(v, p.offset));
  });
  return out;
}

Real BallDifference::transpose(Real const& y) const {
  Real out(y.size);
  every_voxel(y.size, [&](Voxel v) {
    auto const& points = ball_at(v);
    if (points.empty()) return;
    out.at(v) += y.at(v);
    for (auto const& p : points) out.at(shifted(v, p.offset)) -= p.weight * y.at(v);
  });
  return out;
}

Real normal_equation(BallDifference const& a, Real const& weight, double lambda, Real const& x) {
  Real y = a.apply(x);
  for (std::size_t n = 0; n < y.data.size(); ++n) y.data[n] *= weight.data[n] * weight.data[n];
  y = a.transpose(y);
  for (std::size_t n = 0; n < y.data.size(); ++n) y.data[n] += lambda * x.data[n];
  return y;
}

Real vsharp_least_squares(BallDifference const& a, Real const& field, Mask const& mask,
                          Real const& weight, double lambda, int iterations) {
  Real f = field;
  every_voxel(f.size, [&](Voxel v) {
    if (!mask.at(v)) f.at(v) = 0;
  });
  Real l(f.size), r = normal_equation(a, weight, 0, f);
  Real p = r;
  for (int n = 0; n < iterations; ++n) {
    Real const q = normal_equation(a, weight, lambda, p);
    double const before = inner(r, r), step = before / inner(p, q);
    for (std::size_t i = 0; i < l.data.size(); ++i) {
      l.data[i] += step * p.data[i];
      r.data[i] -= step * q.data[i];
    }
    double const keep = inner(r, r) / before;
    for (std::size_t i = 0; i < l.data.size(); ++i) p.data[i] = r.data[i] + keep * p.data[i];
  }
  return l;
}

}  // namespace qsm::oracle
