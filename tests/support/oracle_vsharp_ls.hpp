/// Least-squares V-SHARP by direct sums over every ball, in double.
#pragma once

#include <vector>

#include "support/oracle_vsharp.hpp"

namespace qsm::oracle {

/// (A x)[v] = x[v] - sum_o b_v[o] x[v + o] over the largest ball b_v of those with radius <
/// distance to the background, 0 where none fits; A^T its transpose, by scattering.
class BallDifference {
 public:
  BallDifference(Mask const& mask, Vector voxel_mm, std::vector<double> const& radii,
                 bool moment_match);
  Real apply(Real const& x) const;
  Real transpose(Real const& y) const;

 private:
  std::vector<BallPoint> const& ball_at(Voxel v) const;

  Volume<int> which_;  // number of the ball, balls_.size() where none fits
  std::vector<std::vector<BallPoint>> balls_;
};

/// (A^T W A + lambda) x, W = weight^2.
Real normal_equation(BallDifference const& a, Real const& weight, double lambda, Real const& x);

/// `iterations` steps of conjugate gradients from 0 on (A^T W A + lambda) l = A^T W A f; zero
/// outside the mask because f is set to zero there.
Real vsharp_least_squares(BallDifference const& a, Real const& field, Mask const& mask,
                          Real const& weight, double lambda, int iterations);

}  // namespace qsm::oracle
