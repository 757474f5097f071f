// The oracles of masks, background and scores against what is known in closed form.
#include <gtest/gtest.h>

#include <cmath>

#include "support/oracle_mask.hpp"
#include "support/oracle_metrics.hpp"
#include "support/oracle_vsharp.hpp"

namespace qsm::oracle {
namespace {

TEST(OracleMask, DistancesInsideABoxAreThoseToItsFaces) {
  Mask const m({5, 4, 6}, 1);
  Real const d = distance_to_background(m, {1, 2, 0.5}, true);
  EXPECT_DOUBLE_EQ(d.at({2, 1, 2}), 1.5);
  EXPECT_DOUBLE_EQ(d.at({0, 0, 0}), 0.5);
  EXPECT_TRUE(std::isinf(distance_to_background(m, {1, 2, 0.5}, false).at({0, 0, 0})));
}

TEST(OracleMask, ComponentsAndHolesJoinThroughFacesOnly) {
  Mask m({5, 5, 5});
  m.at({0, 0, 0}) = m.at({1, 1, 0}) = m.at({1, 2, 0}) = 1;
  EXPECT_EQ(components(m).at({1, 2, 0}), 2);
  EXPECT_EQ(largest_component(m).at({0, 0, 0}), 0);
  Mask shell({5, 5, 5}, 1);
  shell.at({2, 2, 2}) = shell.at({0, 0, 0}) = 0;
  EXPECT_EQ(fill_holes(shell, 1, true).at({2, 2, 2}), 1);
  EXPECT_EQ(fill_holes(shell, 1, true).at({0, 0, 0}), 0);
  EXPECT_EQ(fill_holes(shell, 1, false).at({0, 0, 0}), 1);
}

TEST(OracleMask, QuantilesInterpolate) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 1), 4);
}

// Harmonic on the grid's ball to degree 3: exact with matched moments whatever the voxels.
TEST(OracleVsharp, HarmonicPolynomialsVanishOnAnisotropicVoxels) {
  Size const s = {11, 12, 9};
  Vector const h = {1, 0.9, 1.7};
  Real field(s);
  every_voxel(s, [&](Voxel v) {
    double const x = v.i * h[0], y = v.j * h[1], z = v.k * h[2];
    field.at(v) = 2 * z * z - x * x - y * y + x * y * z + x * x * x - 3 * x * y * y + z;
  });
  Mask kept(s);
  Real const matched = spherical_mean_difference(field, Mask(s, 1), h, {5, 4, 3, 2}, true, kept);
  double largest = 0, plain = 0;
  for (double const v : matched.data) largest = std::max(largest, std::abs(v));
  EXPECT_LT(largest, 1e-11);
  for (double const v : spherical_mean_difference(field, Mask(s, 1), h, {5}, false, kept).data)
    plain = std::max(plain, std::abs(v));
  EXPECT_GT(plain, 1e-3);  // what the matching is for
}

TEST(OracleVsharp, DeconvolutionUndoesTheFilterOnAPeriodicGrid) {
  Size const s = {8, 7, 9};
  auto const points = ball(2.5, {1, 1, 1.5}, true);
  Real local = random_volume(s, 5), filtered(s);
  every_voxel(s, [&](Voxel v) {
    filtered.at(v) = local.at(v);
    for (auto const& p : points)
      filtered.at(v) -=
          p.weight * local.periodic({v.i + p.offset.i, v.j + p.offset.j, v.k + p.offset.k});
  });
  double mean = 0;
  for (double const v : local.data) mean += v / static_cast<double>(local.data.size());
  Real const back = deconvolve_ball(filtered, points, 1e-6);
  for (std::size_t n = 0; n < back.data.size(); ++n)
    EXPECT_NEAR(back.data[n], local.data[n] - mean, 1e-12);
}

TEST(OracleMetrics, KnownMapsHaveKnownScores) {
  Size const s = {7, 6, 8};
  Real const truth = random_volume(s, 6);
  Mask const mask = ellipsoid(s);
  Real shifted = truth, scaled = truth;
  for (double& v : shifted.data) v += 3;
  for (double& v : scaled.data) v = 0.5 * v - 1;
  EXPECT_NEAR(nrmse(shifted, truth, mask), 0, 1e-12);
  EXPECT_NEAR(nrmse(scaled, truth, mask), 50, 1e-12);
  EXPECT_NEAR(nrmse_detrend(scaled, truth, mask), 0, 1e-12);
  EXPECT_NEAR(correlation(scaled, truth, mask), 1, 1e-14);
  EXPECT_NEAR(xsim(truth, truth, mask), 1, 1e-14);
  EXPECT_NEAR(hfen(Real(s), truth, mask), 100, 1e-12);
}

// Second differences of a quadratic are constant: LoG(x^2) -> 2 up to the kernel's truncation
// at 5.3 sigma and its sampling at sigma = 1.5, both below 1e-4.
TEST(OracleMetrics, LaplacianOfGaussianOfAQuadraticIsTwo) {
  Size const s = {21, 3, 3};
  Real x(s);
  every_voxel(s, [&](Voxel v) { x.at(v) = (v.i - 10) * (v.i - 10); });
  EXPECT_NEAR(laplacian_of_gaussian(x).at({10, 1, 1}), 2, 1e-3);
}

}  // namespace
}  // namespace qsm::oracle
