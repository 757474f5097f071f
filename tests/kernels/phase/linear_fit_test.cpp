#include "phase/linear_fit.hpp"

#include "kernels/phase/simulated_echoes.hpp"
#include "phase/temporal_unwrap.hpp"

namespace qsm {
namespace {

using test::Echoes;
using test::kTwoPi;
using test::Values;

class LinearFitTest : public test::DeviceTest {
 protected:
  test::Fitted fit(Echoes const& echoes, std::vector<std::uint8_t> const& mask) {
    return test::run_fit(device(), linear_fit<ThisDevice>, echoes, mask);
  }
};

TEST_F(LinearFitTest, IsUnbiasedAndReachesTheCramerRaoBound) {
  Grid const g{37, 29, 23};
  for (auto const& te : {std::vector<double>{0.004, 0.010, 0.016},
                         std::vector<double>{0.004, 0.008, 0.012, 0.016, 0.020}}) {
    Echoes const echoes(g, te, 40, 200, 1);
    auto const result = fit(echoes, std::vector<std::uint8_t>(g.size(), 1));

    double bias = 0, variance = 0, predicted = 0;
    for (std::size_t n = 0; n < g.size(); ++n) {
      double const error = static_cast<double>(result.field_hz[n]) - echoes.field_hz[n];
      bias += error;
      variance += error * error;
      predicted += std::pow(static_cast<double>(result.noise_hz[n]), 2);
    }
    EXPECT_LT(std::abs(bias) / static_cast<double>(g.size()), 0.05);
    EXPECT_NEAR(variance / predicted, 1, 0.1);
    EXPECT_TRUE(result.summary.noise_is_absolute);
    EXPECT_NEAR(result.summary.noise_sigma, 1, 0.03);
  }
}

TEST_F(LinearFitTest, OneVoxelInAHundredDoesNotMoveTheNoise) {
  Grid const g{31, 30, 20};
  Echoes echoes(g, {0.004, 0.008, 0.012, 0.016}, 40, 100, 1);
  for (std::size_t n = 0; n < g.size(); n += 100) echoes.phase[2][n] += 3;

  auto const result = fit(echoes, std::vector<std::uint8_t>(g.size(), 1));

  EXPECT_NEAR(result.summary.noise_sigma, 1, 0.05);
  EXPECT_GT(result.residual_rad[0], 1);
  EXPECT_LT(result.residual_rad[1], 0.2);
}

TEST_F(LinearFitTest, TwoEchoesPassThroughBothAndOneThroughTheOrigin) {
  Grid const g{9, 8, 7};
  std::vector<std::uint8_t> const all(g.size(), 1);
  Echoes const two(g, {0.005, 0.015}, 1e6, 50, 0.5);
  Echoes const one(g, {0.010}, 1e6, 50, 0);

  auto const line = fit(two, all);
  auto const single = fit(one, all);

  EXPECT_FALSE(line.summary.noise_is_absolute);
  EXPECT_FALSE(single.summary.noise_is_absolute);
  for (std::size_t n = 0; n < g.size(); ++n) {
    EXPECT_NEAR(line.field_hz[n], two.field_hz[n], 1e-3);
    EXPECT_NEAR(line.offset_rad[n], two.offset_rad[n], 1e-4);
    EXPECT_NEAR(line.residual_rad[n], 0, 1e-5);
    EXPECT_NEAR(single.field_hz[n], one.field_hz[n], 1e-3);
    EXPECT_EQ(single.offset_rad[n], 0);
    EXPECT_GT(single.noise_hz[n], 0);
  }
}

TEST_F(LinearFitTest, IsZeroWhereNothingIsKnownAndFiniteEverywhere) {
  Grid const g{9, 8, 7};
  Echoes echoes(g, {0.005, 0.010, 0.015}, 50, 50, 0.5);
  std::vector<std::uint8_t> mask(g.size(), 1);
  mask[0] = 0;
  for (auto& m : echoes.magnitude) m[1] = 0;            // no signal
  echoes.phase[1][2] = NAN;                             // two echoes left
  echoes.magnitude[0][3] = echoes.magnitude[1][3] = 0;  // one echo left

  auto const result = fit(echoes, mask);

  for (std::size_t n : {std::size_t{0}, std::size_t{1}}) {
    EXPECT_EQ(result.field_hz[n], 0);
    EXPECT_EQ(result.noise_hz[n], 0);
  }
  EXPECT_NEAR(result.field_hz[2], echoes.field_hz[2], 5);
  EXPECT_NEAR(result.residual_rad[2], 0, 1e-6);
  EXPECT_NEAR(result.field_hz[3], echoes.phase[2][3] / static_cast<float>(kTwoPi * 0.015), 1e-3);
  for (auto const* values :
       {&result.field_hz, &result.offset_rad, &result.noise_hz, &result.residual_rad})
    for (float const v : *values) ASSERT_TRUE(std::isfinite(v));
}

TEST_F(LinearFitTest, NamesWhatIsWrong) {
  Grid const g{4, 4, 4};
  auto const reason = [&](std::vector<double> const& te, std::uint8_t inside) {
    Echoes echoes(g, {0.005, 0.010, 0.015}, 50, 50, 0.5);
    echoes.te_s = te;
    try {
      fit(echoes, std::vector<std::uint8_t>(g.size(), inside));
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };
  EXPECT_EQ(reason({0.005, 0.010}, 1), "ECHO_COUNT");
  EXPECT_EQ(reason({0.005, 0.015, 0.010}, 1), "ECHO_TIMES");
  EXPECT_EQ(reason({0, 0.005, 0.010}, 1), "ECHO_TIMES");
  EXPECT_EQ(reason({0.005, 0.010, 0.015}, 0), "EMPTY_MASK");
}

// Unwrapped first echo -> the others follow, outward and back.
TEST_F(LinearFitTest, EchoesUnwrapOneAfterAnother) {
  Grid const g{21, 20, 19};
  Echoes const echoes(g, {0.004, 0.009, 0.016, 0.025}, 50, 300, 0);
  Buffer<ThisDevice, float> previous(device(), g, echoes.phase[0]);
  for (std::size_t e = 1; e < 4; ++e) {
    Values wrapped = echoes.phase[e];
    for (float& p : wrapped) p -= static_cast<float>(kTwoPi * std::rint(p / kTwoPi));
    Buffer<ThisDevice, float> current(device(), g, wrapped);

    unwrap_echo(device(), previous.view(), echoes.te_s[e - 1], current.view(), echoes.te_s[e],
                current.field());

    auto const found = current.to_host();
    for (std::size_t n = 0; n < g.size(); ++n) ASSERT_NEAR(found[n], echoes.phase[e][n], 1e-4);
    previous = std::move(current);
  }
  EXPECT_THROW(unwrap_echo(device(), previous.view(), 0, previous.view(), 0.01, previous.field()),
               Error);
}

}  // namespace
}  // namespace qsm
