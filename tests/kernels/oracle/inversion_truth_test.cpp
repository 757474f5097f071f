// The inversion oracle: its parts against their definitions, the whole against its optimality.
#include <gtest/gtest.h>

#include <cmath>

#include "support/oracle_dft.hpp"
#include "support/oracle_dipole.hpp"
#include "support/oracle_nltv.hpp"

namespace qsm::oracle {
namespace {

double inner(Real const& a, Real const& b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.data.size(); ++n) sum += a.data[n] * b.data[n];
  return sum;
}

TEST(OracleNltv, GradientAndAdjointAreAdjoint) {
  Real const x = random_volume({5, 6, 7}, 1), p = random_volume({5, 6, 7}, 2);
  for (int axis = 0; axis < 3; ++axis)
    EXPECT_NEAR(inner(gradient(x, axis, 1.3), p), inner(x, gradient_adjoint(p, axis, 1.3)), 1e-12);
}

TEST(OracleNltv, ProxIsTheRootAndTheMinimum) {
  for (double const weight : {0.0, 0.2, 0.999})
    for (double const phi : {-9.0, -1.0, 0.0, 0.4, 3.1, 20.0})
      for (double const v : {-4.0, 0.0, 2.7}) {
        double const z = nonlinear_prox(weight, phi, v, 1);
        EXPECT_NEAR(weight * std::sin(z - phi) + (z - v), 0, 1e-14);
        auto const cost = [&](double t) {
          return weight * (1 - std::cos(t - phi)) + 0.5 * (t - v) * (t - v);
        };
        for (double step = -3; step <= 3; step += 0.01) EXPECT_GE(cost(z + step), cost(z) - 1e-12);
      }
}

// |Dx - phi| < pi/2 here, where the objective is convex and its minimiser unique. (With phases
// about pi the iteration can rest at the tie of wrap() and leave it by rounding.)
TEST(OracleNltv, NoPerturbationLowersTheObjective) {
  Size const s = {5, 6, 4};
  Vector const h = {1, 1, 1.5};
  Real const d = dipole(s, h, {0.1, 0.2, 0.97});
  Real phase = random_volume(s, 3), weight(s, 0.8);
  for (double& v : phase.data) v *= 0.3;
  NltvOptions o;
  o.alpha = 0.01;
  o.mu1 = 0.1;
  o.iterations = 4000;
  o.gradient_scale = gradient_scale(h);
  auto const objective = [&](Real const& x) {
    Real const field = multiply_spectrum(x, d);
    double sum = 0;
    for (std::size_t n = 0; n < x.data.size(); ++n)
      sum += weight.data[n] * (1 - std::cos(field.data[n] - phase.data[n]));
    for (int axis = 0; axis < 3; ++axis)
      for (double const g :
           gradient(x, axis, o.gradient_scale[static_cast<std::size_t>(axis)]).data)
        sum += o.alpha * std::abs(g);
    return sum;
  };

  Real const x = nltv(phase, weight, d, o);

  double const best = objective(x);
  for (unsigned seed = 0; seed < 40; ++seed) {
    Real const direction = random_volume(s, 100 + seed);
    for (double const step : {-1e-2, -1e-4, 1e-4, 1e-2}) {
      Real moved = x;
      for (std::size_t n = 0; n < x.data.size(); ++n) moved.data[n] += step * direction.data[n];
      EXPECT_GE(objective(moved), best - 1e-11) << seed << ' ' << step;
    }
  }
}

TEST(OracleNltv, NoPhaseGivesNoSusceptibility) {
  Size const s = {6, 5, 8};
  Real const d = dipole(s, {1, 1, 1}, {0, 0, 1});
  Real const x = nltv(Real(s), Real(s, 0.5), d, {});
  for (double const v : x.data) EXPECT_EQ(v, 0);
}

}  // namespace
}  // namespace qsm::oracle
