/// Spherical mean value kernels: s_r * f is the mean of f over the ball of radius r around a voxel.
///
/// On anisotropic voxels the plain mean of a ball has unequal second moments along the axes, and a
/// harmonic 2 z^2 - x^2 - y^2 leaks through by 1.3 mm^2 (1 x 1 x 2 mm, r = 6 mm). Weights
///   w[o] = 1 + sum_i c_i (q_i - m_i),   q_i = (o_i h_i)^2,   m = mean(q),
///   c = cov(q)^-1 (t 1 - m),            t = mean of the m_i,
/// make the three moments equal, so that every harmonic polynomial of degree <= 3 has its exact
/// mean. They stay within 0.6 .. 1.4 for r >= 2.5 mm and voxels of 1 to 2 mm.
#pragma once

#include <vector>

#include "device/device.hpp"
#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

/// Weights on the cube of offsets that holds the ball, its centre at (nx/2, ny/2, nz/2); sum 1,
/// symmetric under every reflection. Built on the host in double.
struct BallWeights {
  Grid grid;
  std::vector<float> values;
};

/// Where a ball is too small for the moments to be matched with positive weights (or `moment_match`
/// is false) the weights are equal.
BallWeights ball_weights(Vec3d voxel_mm, double radius_mm, bool moment_match);

/// The ball around the origin of the periodic grid of `kernel`, zero elsewhere. The grid must hold
/// the cube. Throws Error{kInvalidArgument, "SHAPE_MISMATCH"}.
template <class Device>
void place_ball(Device const& device, BallWeights const& ball, Field<float> kernel);

}  // namespace qsm
