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
  return nltv(device, h, b, 16, field.view(), inside.view(), {}, {.alpha_rule = rule}, made.field(),
              {});
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
      alpha = next_alpha(trials);
    }
    EXPECT_NEAR(alpha, 3e-4, 3e-6) << "from " << first;
  }
}

}  // namespace
}  // namespace qsm
