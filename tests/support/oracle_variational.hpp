/// Variational dipole inversions, written as the text reads:
///
///   tv             min_x    f(D x - phi) + alpha sum_i |grad_i x| + ridge / 2 |x|^2
///   tgv            min_x,v  f(D x - phi) + alpha |grad x - v| + 2 alpha |sym grad v| + ...
///   weak_harmonic  min_x,h  f(D x + h - phi) + alpha sum_i |grad_i x| + beta / 2 |M L h|^2 + ...
///
/// by ADMM with every variable and multiplier kept, and every quadratic problem solved per
/// frequency from the rows of its least-squares system by elimination.
#pragma once

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

enum class Misfit { kPhase, kQuadratic, kAbsolutePhase, kAbsolute };

struct VariationalOptions {
  double alpha = 3e-4;         // of x in radians
  double mu1 = 3e-2;           // penalty of z1 = grad x
  double mu2 = 1;              // penalty of z2 = Dx; W < mu2
  double relaxation = 1.8;     // r: K x counts as r K x + (1 - r) z
  int iterations = 50;         // exactly this many x-updates
  int linear_iterations = 10;  // with the misfit's linearisation: the warm start
  Vector gradient_scale = {1, 1, 1};
  Misfit misfit = Misfit::kPhase;
  double rounding = 0;           // the absolute values are quadratic below it
  double ridge = 0;              // weight of |x|^2 / 2
  std::vector<Mask> edges = {};  // three, or none: alpha is 0 where edge_i is set
};

/// (hx hy hz)^(1/3) / h_i
Vector gradient_scale(Vector voxel_mm);
/// scale (x[n + e_axis] - x[n]), periodic.
Real gradient(Real const& x, int axis, double scale);
/// scale (p[n - e_axis] - p[n]), periodic.
Real gradient_adjoint(Real const& p, int axis, double scale);

/// f of one voxel that the model misses by `off`.
double misfit_of(Misfit f, double weight, double off);
/// argmin_z f(z - phi) + mu2/2 (z - v)^2 for weights <= mu2, by bisection.
double misfit_prox(Misfit f, double weight, double phi, double v, double mu2);
/// argmin_z alpha |z| + mu/2 (z - q)^2, |z| replaced by z^2 / (2 rounding) + rounding / 2 below it.
double absolute_prox(double alpha, double rounding, double q, double mu);

/// x [rad] on the periodic grid of `phase`; `weight` is that of the misfit, W or w.
Real tv(Real const& phase, Real const& weight, Real const& dipole, VariationalOptions const& o);

struct WithSlope {
  Real x;
  std::vector<Real> v;
};
WithSlope tgv(Real const& phase, Real const& weight, Real const& dipole,
              VariationalOptions const& o);

struct WithBackground {
  Real x, background;
};
WithBackground weak_harmonic(Real const& phase, Real const& weight, Mask const& mask,
                             Real const& dipole, double beta, double muh,
                             VariationalOptions const& o);

}  // namespace qsm::oracle
