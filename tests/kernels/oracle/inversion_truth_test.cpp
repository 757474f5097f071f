// The inversion oracle: its parts against their definitions, the whole against its optimality.
#include <gtest/gtest.h>

#include <cmath>

#include "support/oracle_dft.hpp"
#include "support/oracle_dipole.hpp"
#include "support/oracle_variational.hpp"

namespace qsm::oracle {
namespace {

double inner(Real const& a, Real const& b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.data.size(); ++n) sum += a.data[n] * b.data[n];
  return sum;
}

TEST(OracleVariational, GradientAndAdjointAreAdjoint) {
  Real const x = random_volume({5, 6, 7}, 1), p = random_volume({5, 6, 7}, 2);
  for (int axis = 0; axis < 3; ++axis)
    EXPECT_NEAR(inner(gradient(x, axis, 1.3), p), inner(x, gradient_adjoint(p, axis, 1.3)), 1e-12);
}

TEST(OracleVariational, ProxIsTheMinimum) {
  for (Misfit const f :
       {Misfit::kPhase, Misfit::kQuadratic, Misfit::kAbsolutePhase, Misfit::kAbsolute})
    for (double const weight : {0.0, 0.2, 0.999})
      for (double const phi : {-9.0, -1.0, 0.0, 0.4, 3.1, 20.0})
        for (double const v : {-4.0, 0.0, 2.7}) {
          double const z = misfit_prox(f, weight, phi, v, 1);
          auto const cost = [&](double t) {
            return misfit_of(f, weight, t - phi) + 0.5 * (t - v) * (t - v);
          };
          for (double step = -3; step <= 3; step += 0.01)
            EXPECT_GE(cost(z + step), cost(z) - 1e-12) << static_cast<int>(f);
          for (double const step : {-1e-5, 1e-5}) EXPECT_GE(cost(z + step), cost(z) - 1e-14);
        }
}

TEST(OracleVariational, ShrinkageIsTheMinimum) {
  for (double const rounding : {0.0, 0.5})
    for (double const q : {-3.0, -0.9, 0.0, 0.2, 0.71, 5.0}) {
      double const alpha = 0.3, mu = 0.5, z = absolute_prox(alpha, rounding, q, mu);
      auto const cost = [&](double t) {
        double const size = std::abs(t);
        double const round = size < rounding ? (t * t / rounding + rounding) / 2 : size;
        return alpha * round + 0.5 * mu * (t - q) * (t - q);
      };
      for (double step = -3; step <= 3; step += 0.003) EXPECT_GE(cost(z + step), cost(z) - 1e-12);
    }
}

// |Dx - phi| < pi/2 here, where the objective is convex and its minimiser unique. (With phases
// about pi the iteration can rest at the tie of wrap() and leave it by rounding.)
TEST(OracleVariational, NoPerturbationLowersTheObjective) {
  Size const s = {5, 6, 4};
  Vector const h = {1, 1, 1.5};
  Real const d = dipole(s, h, {0.1, 0.2, 0.97});
  Real phase = random_volume(s, 3), weight(s, 0.8);
  for (double& v : phase.data) v *= 0.3;
  VariationalOptions o;
  o.alpha = 0.01;
  o.mu1 = 0.1;
  o.iterations = 4000;
  o.gradient_scale = gradient_scale(h);
  o.rounding = 0.02;
  o.ridge = 0.01;
  auto const objective = [&](Real const& x) {
    Real const field = multiply_spectrum(x, d);
    double sum = 0;
    for (std::size_t n = 0; n < x.data.size(); ++n)
      sum += weight.data[n] * (1 - std::cos(field.data[n] - phase.data[n]));
    for (int axis = 0; axis < 3; ++axis)
      for (double const g :
           gradient(x, axis, o.gradient_scale[static_cast<std::size_t>(axis)]).data)
        sum += o.alpha *
               (std::abs(g) < o.rounding ? (g * g / o.rounding + o.rounding) / 2 : std::abs(g));
    // x(0) = 0 is imposed, whatever the ridge.
    double mean = 0;
    for (double const v : x.data) mean += v / static_cast<double>(x.data.size());
    for (double const v : x.data) sum += o.ridge / 2 * (v - mean) * (v - mean);
    return sum;
  };

  Real const x = tv(phase, weight, d, o);

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

TEST(OracleVariational, NoPerturbationLowersTheObjectiveOfTotalGeneralisedVariation) {
  Size const s = {5, 4, 6};
  Vector const h = {1, 1.2, 1};
  Real const d = dipole(s, h, {0.1, 0.2, 0.97});
  Real phase = random_volume(s, 3);
  Real const weight(s, 0.8);
  for (double& p : phase.data) p *= 0.3;
  VariationalOptions o;
  o.alpha = 0.01;
  o.mu1 = 0.1;
  o.iterations = 3000;
  o.gradient_scale = gradient_scale(h);
  auto const differences = [&](Real const& x, std::size_t axis) {
    return gradient(x, static_cast<int>(axis), o.gradient_scale[axis]);
  };
  auto const objective = [&](WithSlope const& u) {
    Real const field = multiply_spectrum(u.x, d);
    double sum = 0;
    for (std::size_t n = 0; n < field.data.size(); ++n)
      sum += weight.data[n] * (1 - std::cos(field.data[n] - phase.data[n]));
    for (std::size_t i = 0; i < 3; ++i) {
      Real const g = differences(u.x, i);
      for (std::size_t n = 0; n < g.data.size(); ++n)
        sum += o.alpha * std::abs(g.data[n] - u.v[i].data[n]);
      for (std::size_t j = 0; j < 3; ++j) {
        Real const a = differences(u.v[j], i), b = differences(u.v[i], j);
        for (std::size_t n = 0; n < a.data.size(); ++n)
          sum += 2 * o.alpha * std::abs(a.data[n] + b.data[n]) / 2;
      }
    }
    return sum;
  };

  WithSlope const found = tgv(phase, weight, d, o);

  double const best = objective(found);
  for (unsigned seed = 0; seed < 40; ++seed)
    for (double const step : {-1e-2, -1e-4, 1e-4, 1e-2}) {
      WithSlope moved = found;
      Real const x = random_volume(s, 100 + seed);
      for (std::size_t n = 0; n < x.data.size(); ++n) moved.x.data[n] += step * x.data[n];
      for (unsigned i = 0; i < 3; ++i) {
        Real const v = random_volume(s, 200 + 3 * seed + i);
        for (std::size_t n = 0; n < v.data.size(); ++n) moved.v[i].data[n] += step * v.data[n];
      }
      EXPECT_GE(objective(moved), best - 1e-9) << seed << ' ' << step;
    }
}

// phase = D x + a wave without any: the wave is what is flat, x what is not.
TEST(OracleVariational, BackgroundIsTakenForWhatIsHarmonic) {
  Size const s = {14, 12, 10};
  Real const d = dipole(s, {1, 1, 1}, {0, 0, 1});
  Real truth(s), background(s), weight(s);
  Mask mask(s);
  every_voxel(s, [&](Voxel v) {
    bool const inside = v.i > 2 && v.i < 11 && v.j > 2 && v.j < 9 && v.k > 1 && v.k < 8;
    mask.at(v) = inside;
    weight.at(v) = inside ? 0.9 : 0;
    truth.at(v) = v.i > 5 && v.i < 8 && v.j > 4 && v.j < 7 && v.k > 3 && v.k < 6 ? 0.4 : 0;
    background.at(v) = 0.2 * (v.i - 7) + 0.02 * ((v.j - 6) * (v.j - 6) - (v.k - 5) * (v.k - 5));
  });
  Real phase = multiply_spectrum(truth, d);
  for (std::size_t n = 0; n < phase.data.size(); ++n)
    phase.data[n] = (phase.data[n] + background.data[n]) * mask.data[n];
  VariationalOptions o;
  o.alpha = 1e-3;
  o.mu1 = 0.02;
  o.iterations = 400;
  o.misfit = Misfit::kQuadratic;
  auto const contrast = [&](Real const& x) {
    double in = 0, count = 0, out = 0, others = 0;
    for (std::size_t n = 0; n < x.data.size(); ++n) {
      if (!mask.data[n]) continue;
      (truth.data[n] > 0 ? in : out) += x.data[n];
      (truth.data[n] > 0 ? count : others) += 1;
    }
    return in / count - out / others;
  };
  auto const found = weak_harmonic(phase, weight, mask, d, 150, 3, o);
  EXPECT_NEAR(contrast(found.x), 0.4, 0.08);
}

TEST(OracleVariational, NoPhaseGivesNoSusceptibility) {
  Size const s = {6, 5, 8};
  Real const d = dipole(s, {1, 1, 1}, {0, 0, 1});
  Real const x = tv(Real(s), Real(s, 0.5), d, {});
  for (double const v : x.data) EXPECT_EQ(v, 0);
}

}  // namespace
}  // namespace qsm::oracle
