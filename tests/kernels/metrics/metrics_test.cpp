#include "metrics/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/volume.hpp"

namespace qsm {
namespace {

Grid const kGrid{24, 20, 18};

std::vector<double> wave() {
  return test::volume<double>(
      kGrid, [](Index3 i) { return 0.1 * std::sin(0.7 * i.x) * std::cos(0.5 * i.y + 0.3 * i.z); });
}

std::vector<std::uint8_t> ball() {
  return test::volume<std::uint8_t>(
      kGrid, [](Index3 i) { return test::in_ellipsoid(i, 12, 10, 9, 9, 8, 7); });
}

TEST(Metrics, ArePerfectForTheTruth) {
  auto const truth = wave();
  auto const mask = ball();
  EXPECT_EQ(nrmse(truth, truth, mask), 0);
  EXPECT_NEAR(nrmse_detrend(truth, truth, mask), 0, 1e-5);
  EXPECT_NEAR(correlation(truth, truth, mask), 1, 1e-12);
  EXPECT_NEAR(xsim(kGrid, truth, truth, mask), 1, 1e-12);
  EXPECT_EQ(hfen(kGrid, truth, truth, mask), 0);
}

TEST(Metrics, NormaliseAwayWhatTheySayTheyDo) {
  auto const truth = wave();
  auto const mask = ball();
  auto shifted = truth, scaled = truth;
  for (double& v : shifted) v += 0.3;
  for (double& v : scaled) v = 0.5 * v - 0.2;
  EXPECT_NEAR(nrmse(shifted, truth, mask), 0, 1e-5);
  EXPECT_NEAR(nrmse(scaled, truth, mask), 50, 1e-9);
  EXPECT_NEAR(nrmse_detrend(scaled, truth, mask), 0, 1e-5);
  EXPECT_NEAR(correlation(scaled, truth, mask), 1, 1e-12);
}

TEST(Metrics, OfNothingAreTheirBaselineOrNotANumber) {
  auto const truth = wave();
  std::vector<double> const zero(truth.size());
  std::vector<std::uint8_t> const none(truth.size());
  EXPECT_NEAR(nrmse(zero, truth, ball()), 100, 1e-9);
  EXPECT_NEAR(hfen(kGrid, zero, truth, ball()), 100, 1e-9);
  EXPECT_EQ(correlation(zero, truth, ball()), 0);
  EXPECT_TRUE(std::isnan(nrmse(truth, truth, none)));
  EXPECT_TRUE(std::isnan(correlation(truth, zero, ball())));
  EXPECT_TRUE(std::isnan(xsim(kGrid, truth, truth, none)));
  EXPECT_TRUE(std::isnan(hfen(kGrid, truth, zero, ball())));
}

// Both maps are zeroed outside the mask first.
TEST(Metrics, HfenIgnoresWhatIsOutsideTheMask) {
  auto const truth = wave();
  auto const mask = ball();
  auto recon = truth;
  for (std::size_t n = 0; n < recon.size(); ++n) recon[n] = mask[n] ? 0.9 * recon[n] : 7;
  EXPECT_NEAR(hfen(kGrid, recon, truth, mask), 10, 1e-9);
}

struct Head {
  std::vector<double> truth = std::vector<double>(kGrid.size());
  std::vector<std::uint8_t> labels = std::vector<std::uint8_t>(kGrid.size());
  std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(kGrid.size(), 1);
};

Head head() {
  Head h;
  for (std::size_t n = 0; n < h.labels.size(); ++n) {
    Index3 const i = kGrid.index(n);
    h.labels[n] = 8;  // white matter
    h.truth[n] = -0.03 + 0.001 * ((i.x + 2 * i.y + 3 * i.z) % 5);
    if (i.z < 3) {
      h.labels[n] = static_cast<std::uint8_t>(1 + i.x / 4);
      h.truth[n] = 0.03 * h.labels[n];
    }
    if (test::in_ellipsoid(i, 12, 10, 10, 2, 2, 2)) {
      h.labels[n] = 16;
      h.truth[n] = -0.8;
    }
  }
  return h;
}

TEST(RegionScores, KnowSlopeAndCalcification) {
  Head const h = head();
  auto halved = h.truth;
  for (double& v : halved) v *= 0.5;

  auto const perfect = region_scores(kGrid, h.truth, h.truth, h.mask, h.labels);
  auto const half = region_scores(kGrid, halved, h.truth, h.mask, h.labels);

  EXPECT_NEAR(perfect.dgm_slope, 1, 1e-12);
  EXPECT_NEAR(perfect.dgm_linearity, 0, 1e-12);
  EXPECT_NEAR(perfect.calc_moment_dev, 0, 1e-9);
  EXPECT_NEAR(perfect.calc_streak, 0, 1e-9);
  EXPECT_NEAR(perfect.nrmse_tissue, 0, 1e-4);
  EXPECT_TRUE(std::isnan(perfect.nrmse_blood));  // no veins here
  EXPECT_NEAR(half.dgm_slope, 0.5, 1e-12);
  EXPECT_NEAR(half.calc_moment_dev, 33 * 0.4, 1e-9);  // 33 voxels in that ball
  EXPECT_NEAR(half.calc_streak, 0, 1e-9);
  EXPECT_NEAR(mean_error(halved, h.truth, h.labels, 16), 0.4, 1e-12);
}

TEST(RegionScores, SeeStreaksBesideTheCalcification) {
  Head const h = head();
  auto recon = h.truth;
  double const amplitude = 0.04;
  for (std::size_t n = 0; n < recon.size(); ++n)
    if (h.labels[n] != 16) recon[n] += kGrid.index(n).y % 2 ? amplitude : -amplitude;

  auto const scores = region_scores(kGrid, recon, h.truth, h.mask, h.labels);

  EXPECT_NEAR(scores.calc_streak, amplitude / 0.8, 0.01 * amplitude);
  EXPECT_NEAR(scores.calc_moment_dev, 0, 1e-9);
}

}  // namespace
}  // namespace qsm
