// Alpha from the data: what the noise's estimate and the search for balanced bands must give.
#include "inversion/choose_alpha.hpp"

#include <cmath>
#include <random>

#include "device/buffer.hpp"
#include "math/dipole.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using ChooseAlphaTest = test::DeviceTest;
using test::in_ellipsoid;

InversionReport invert_noisy(ThisDevice const& device, double noise_ppm, AlphaRule rule) {
  Grid const g{48, 44, 40};
  Vec3d const h{1, 1, 1}, b{0, 0, 1};
  auto const chi = test::volume(g, [=](Index3 i) {
    return 0.1 * in_ellipsoid(i, 20.0, 22.0, 20.0, 5, 6, 5) -
           0.05 * in_ellipsoid(i, 30.0, 20.0, 22.0, 4, 4, 6);
  });
  auto const mask = test::volume<std::uint8_t>(
      g, [](Index3 i) { return in_ellipsoid(i, 24.0, 22.0, 20.0, 20, 18, 17); });
  Buffer<ThisDevice, float> source(device, g, chi), field(device, g), made(device, g);
  apply_dipole(device, h, b, source.view(), field.field());
  auto noisy = field.to_host();
  std::mt19937 random(3);
  std::normal_distribution<double> noise(0, noise_ppm);
  for (float& v : noisy) v += static_cast<float>(noise(random));
  field.upload(noisy);
  Buffer<ThisDevice, std::uint8_t> const inside(device, g, mask);
  return invert_variational(device, h, b, 16, field.view(), inside.view(), {}, {.alpha_rule = rule},
                            made.field(), {});
}

TEST_F(ChooseAlphaTest, NoiseIsReadOffTheMagicCone) {
  for (double const noise_ppm : {0.005, 0.02}) {
    auto const report = invert_noisy(device(), noise_ppm, AlphaRule::kNoise);

    EXPECT_NEAR(report.noise_ppm, noise_ppm, 0.1 * noise_ppm);
    EXPECT_NEAR(report.alpha, 0.08 * report.noise_ppm * 16, 1e-6 * report.alpha);
  }
}

TEST_F(ChooseAlphaTest, EqualisedBandsAreBalancedAndMoreNoiseWantsMore) {
  auto const little = invert_noisy(device(), 0.005, AlphaRule::kEqualise);
  auto const much = invert_noisy(device(), 0.02, AlphaRule::kEqualise);

  for (auto const& report : {little, much}) {
    ASSERT_FALSE(report.alpha_trials.empty());
    EXPECT_LE(report.alpha_trials.size(), 6u);
    EXPECT_NEAR(report.alpha_trials.back().balance, 1, 0.1);
  }
  EXPECT_GT(much.alpha, little.alpha);
}

// log balance = -2 log(alpha / 3e-4), whose root every bracket must close in on.
TEST_F(ChooseAlphaTest, TheSearchEndsWhereTheBandsBalance) {
  for (double const first : {1e-6, 1e-4, 1e-2}) {
    std::vector<AlphaTrial> trials;
    double alpha = first;
    for (int n = 0; n < 12; ++n) {
      trials.push_back({.alpha = alpha, .balance = std::pow(alpha / 3e-4, -2), .iterations = 1});
      alpha = next_alpha(trials, balance_of);
    }
    EXPECT_NEAR(alpha, 3e-4, 3e-6) << "from " << first;
  }
}

// What is left of the misfit at the alpha it ends with is what the noise alone would leave.
TEST_F(ChooseAlphaTest, TheDiscrepancyIsTheNoise) {
  auto const report = invert_noisy(device(), 0.01, AlphaRule::kDiscrepancy);

  EXPECT_NEAR(report.noise_ppm, 0.01, 0.001);
  ASSERT_FALSE(report.alpha_trials.empty());
  EXPECT_LE(report.alpha_trials.size(), 6u);
  double const voxels = 4.0 / 3 * std::numbers::pi * 20 * 18 * 17;
  double const expected = 0.5 * std::pow(16 * report.noise_ppm, 2) * voxels;
  EXPECT_NEAR(report.alpha_trials.back().misfit, expected, 0.1 * expected);
}

TEST_F(ChooseAlphaTest, AlongTheCurveMisfitRisesAndVariationFalls) {
  auto const report = invert_noisy(device(), 0.01, AlphaRule::kLCurve);

  ASSERT_EQ(report.alpha_trials.size(), 7u);
  for (std::size_t n = 1; n < report.alpha_trials.size(); ++n) {
    EXPECT_NEAR(report.alpha_trials[n].alpha / report.alpha_trials[n - 1].alpha, 2, 1e-9);
    EXPECT_GT(report.alpha_trials[n].misfit, report.alpha_trials[n - 1].misfit);
    EXPECT_LT(report.alpha_trials[n].variation, report.alpha_trials[n - 1].variation);
  }
  EXPECT_GT(report.alpha, report.alpha_trials.front().alpha);
  EXPECT_LT(report.alpha, report.alpha_trials.back().alpha);
}

// rho = u - tanh(u), eta = tanh(u + 2) - u over u = log2(alpha). rho' eta'' - rho'' eta' = 2
// tanh(u) tanh(u + 2) (tanh(u + 2) sech^2(u) - tanh(u) sech^2(u + 2)), which turns positive at u =
// 0.
TEST(Inflection, IsWhereTheCurvatureChangesSign) {
  std::vector<AlphaTrial> trials;
  for (int n = -6; n <= 6; ++n) {
    double const u = n;
    trials.push_back({.alpha = std::exp2(u),
                      .misfit = std::exp((u - std::tanh(u)) / 2),
                      .variation = std::exp(-(u - std::tanh(u + 2)) / 2),
                      .iterations = 1});
  }
  EXPECT_NEAR(std::log2(inflection_of(trials)), 0, 0.5);
}

}  // namespace
}  // namespace qsm
