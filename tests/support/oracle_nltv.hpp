/// Nonlinear dipole inversion with total variation (Milovic 2018), written as the text reads:
///
///   min_x  sum_n W (1 - cos(Dx - phi)) + alpha sum_i |grad_i x|
///
/// by ADMM with every variable kept explicitly: z1 = grad x (scaled dual s1), z2 = Dx (s2).
#pragma once

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

struct NltvOptions {
  double alpha = 3e-4;         // of x in radians
  double mu1 = 3e-2;           // penalty of z1 = grad x
  double mu2 = 1;              // penalty of z2 = Dx; W < mu2
  double relaxation = 1.8;     // r: grad x and Dx count as r times themselves + (1 - r) z
  int iterations = 50;         // exactly this many x-updates
  int linear_iterations = 10;  // with z2 = (W phi + mu2 v)/(W + mu2): the warm start
  Vector gradient_scale = {1, 1, 1};
};

/// (hx hy hz)^(1/3) / h_i
Vector gradient_scale(Vector voxel_mm);
/// scale (x[n + e_axis] - x[n]), periodic.
Real gradient(Real const& x, int axis, double scale);
/// scale (p[n - e_axis] - p[n]), periodic.
Real gradient_adjoint(Real const& p, int axis, double scale);

/// argmin_z W (1 - cos(z - phi)) + mu2/2 (z - v)^2 for W <= mu2, by bisection.
double nonlinear_prox(double weight, double phi, double v, double mu2);

/// x [rad] on the periodic grid of `phase`; `weight` is W, the square of the data weight.
Real nltv(Real const& phase, Real const& weight, Real const& dipole, NltvOptions const& options);

}  // namespace qsm::oracle
