/// V-SHARP by direct summation over the ball around every voxel.
#pragma once

#include <functional>
#include <vector>

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

struct BallPoint {
  Voxel offset;
  double weight = 0;
};

/// Voxels within radius [mm], weights adding up to 1. Moment matched: w ~ 1 + sum_i c_i (q_i - m_i)
/// of the squared offsets q_i [mm^2], with means m and covariance C over the ball and
/// C c = mean(m) - m, so that the weighted mean of q_i is the same along every axis;
/// equal weights where that would make one of them not positive.
std::vector<BallPoint> ball(double radius, Vector voxel_mm, bool moment_match);

/// At each voxel: f - (mean over the largest ball, of those with radius < distance to the
/// background); 0 where none fits. `radii` decrease; `kept` becomes distance > last radius.
/// Equality up to a part in 10^6 counts as equality.
Real spherical_mean_difference(Real const& field, Mask const& mask, Vector voxel_mm,
                               std::vector<double> const& radii, bool moment_match, Mask& kept);

/// l = F^-1( F(H) / (1 - S) ) on the periodic grid of `filtered`, frequencies with |1 - S| <
/// threshold and DC set to 0; S is the transform of the ball.
Real deconvolve_ball(Real const& filtered, std::vector<BallPoint> const& ball, double threshold);

/// The two steps above on a periodic grid of `working` >= the mask's bounding box; the result is
/// zero outside `kept`.
Real vsharp(Real const& field, Mask const& mask, Vector voxel_mm, std::vector<double> radii,
            double threshold, bool moment_match,
            std::function<Size(Size box, double radius)> const& working, Mask& kept);

}  // namespace qsm::oracle
