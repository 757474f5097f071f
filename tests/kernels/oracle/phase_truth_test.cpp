// The oracles of phase and coils against what is known in closed form.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/oracle_fit.hpp"
#include "support/oracle_mcpc3ds.hpp"
#include "support/oracle_unwrap.hpp"

namespace qsm::oracle {
namespace {

TEST(OracleUnwrap, DctPairIsInverse) {
  Real const x = random_volume({4, 5, 6}, 1);
  Real const back = idct(dct(x));
  for (std::size_t n = 0; n < x.data.size(); ++n) EXPECT_NEAR(back.data[n], x.data[n], 1e-13);
}

TEST(OracleUnwrap, PoissonSolutionHasTheLaplacianAskedFor) {
  Vector const h = {1, 0.7, 2};
  Real const truth = random_volume({4, 5, 6}, 2);  // its differences are far below pi after scaling
  Real small = truth;
  for (double& v : small.data) v *= 0.1;
  Real const u = solve_neumann(wrapped_laplacian(small, h), h);
  double mean = 0;
  for (double const v : small.data) mean += v / static_cast<double>(small.data.size());
  for (std::size_t n = 0; n < u.data.size(); ++n)
    EXPECT_NEAR(u.data[n], small.data[n] - mean, 1e-12);
}

TEST(OracleUnwrap, APhaseWithoutResiduesIsRecoveredExactly) {
  Size const s = {9, 8, 7};
  Real truth(s), wrapped(s);
  every_voxel(s, [&](Voxel v) {
    truth.at(v) =
        12 * std::exp(-0.05 * ((v.i - 4) * (v.i - 4) + (v.j - 3) * (v.j - 3))) + 0.9 * v.k;
    wrapped.at(v) = wrap(truth.at(v));
  });
  Real const u = laplacian_unwrap(wrapped, {1, 1, 2});
  Real const snapped = snap_to_congruence(u, wrapped, Mask(s, 1));
  double const shift = snapped.data[0] - truth.data[0];
  EXPECT_NEAR(wrap(shift), 0, 1e-12);
  for (std::size_t n = 0; n < u.data.size(); ++n)
    EXPECT_NEAR(snapped.data[n] - truth.data[n], shift, 1e-12);
}

TEST(OracleUnwrap, EliminationAndCosineTransformSolveTheSameProblem) {
  Size const s = {5, 4, 6};
  Vector const h = {1, 1.3, 0.8};
  Real const wrapped = random_volume(s, 3);
  Real const a = masked_unwrap(wrapped, Mask(s, 1), h), b = laplacian_unwrap(wrapped, h);
  for (std::size_t n = 0; n < a.data.size(); ++n)
    EXPECT_NEAR(a.data[n] - b.data[n], a.data[0] - b.data[0], 1e-11);
}

TEST(OracleFit, RecoversALineAndWeighsAnOutlierAway) {
  std::vector<double> const te = {0.004, 0.011, 0.02};
  Line const exact = fit_line(te, {1.4, 2.1, 3.0}, {1, 2, 3});
  EXPECT_NEAR(exact.slope, 100, 1e-10);
  EXPECT_NEAR(exact.intercept, 1, 1e-12);
  EXPECT_NEAR(exact.residual, 0, 1e-12);
  Line const two = fit_line(te, {1.4, 99, 3.0}, {1, 0, 3});
  EXPECT_NEAR(two.slope, 100, 1e-10);
  EXPECT_NEAR(fit_through_origin(te, {0.4, 1.1, 2.0}, {1, 1, 1}).slope, 100, 1e-10);
}

TEST(OracleMcpc3ds, RemovesEachCoilsOffset) {
  Size const s = {6, 5, 4};
  double const te1 = 0.005, te2 = 0.012, frequency = 8;
  std::vector<Spectrum> echo1, echo2;
  std::vector<Real> offsets;
  Real phase_difference(s, 2 * std::numbers::pi * frequency * (te2 - te1));
  for (double const offset : {0.4, -2.0, 3.0}) {
    double const magnitude = 1 + offset * offset;
    echo1.emplace_back(s, std::polar(magnitude, offset + 2 * std::numbers::pi * frequency * te1));
    echo2.emplace_back(s, std::polar(magnitude, offset + 2 * std::numbers::pi * frequency * te2));
    offsets.push_back(coil_offset(echo1.back(), phase_difference, Mask(s, 1), te1, te2, {2, 2, 2}));
    EXPECT_NEAR(offsets.back().data[7], offset, 1e-12);
  }
  Spectrum const h = hermitian_inner_product(echo1, echo2);
  EXPECT_NEAR(std::arg(h.data[3]), phase_difference.data[3], 1e-12);
  Spectrum const combined = combine(echo2, offsets);
  EXPECT_NEAR(std::arg(combined.data[9]), 2 * std::numbers::pi * frequency * te2, 1e-12);
}

}  // namespace
}  // namespace qsm::oracle
