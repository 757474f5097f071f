// The oracles of the fits over the echoes on decays and phasors that are exact.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/oracle_decay.hpp"
#include "support/oracle_fit.hpp"

namespace qsm::oracle {
namespace {

std::vector<double> const kTe = {0.005, 0.010, 0.015, 0.020};

std::vector<double> decay(double m0, double rate, double floor) {
  std::vector<double> m;
  for (double const t : kTe) m.push_back(std::hypot(m0 * std::exp(-rate * t), floor));
  return m;
}

TEST(OracleDecay, ExactDecaysAreRecovered) {
  for (double const rate : {5.0, 40.0, 200.0}) {
    auto const line = log_linear_decay(kTe, decay(700, rate, 0));
    EXPECT_NEAR(line.rate, rate, 1e-9 * rate);
    EXPECT_NEAR(line.m0, 700, 1e-9 * 700);
    for (double const floor : {0.0, 30.0}) {
      auto const curve = least_squares_decay(kTe, decay(700, rate, floor), floor);
      EXPECT_NEAR(curve.rate, rate, 1e-6 * rate);
      EXPECT_NEAR(curve.m0, 700, 1e-6 * 700);
    }
  }
}

// Simpson's rule errs by about (R dTE)^4 / 180.
TEST(OracleDecay, ArloErrsAsSimpsonsRuleDoes) {
  double const x = 40 * 0.005;
  EXPECT_NEAR(arlo_rate(kTe, decay(700, 40, 0)) / 40, 1 - std::pow(x, 4) / 180,
              0.1 * std::pow(x, 4) / 180);
}

TEST(OraclePhasors, ExactPhasorsAreRecoveredAcrossWholeTurnsOfAnEcho) {
  std::vector<double> const weight = {4, 3, 2, 1};
  Line const truth{1200, 0.4, 0, 0};
  std::vector<double> phi;
  for (double const t : kTe) phi.push_back(truth.intercept + truth.slope * t);
  phi[2] += 2 * std::numbers::pi;

  auto const free = fit_phasors(kTe, phi, weight, {1250, 0.1, 0, 0}, false);
  auto const fixed = fit_phasors(kTe, phi, weight, {1250, 0.4, 0, 0}, true);

  for (Line const& line : {free, fixed}) {
    EXPECT_NEAR(line.slope, truth.slope, 1e-4);  // 1e-8 of the bracket
    EXPECT_NEAR(line.intercept, truth.intercept, 1e-6);
    EXPECT_NEAR(line.residual, 0, 1e-6);
  }
}

}  // namespace
}  // namespace qsm::oracle
