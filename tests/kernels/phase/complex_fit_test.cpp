#include "phase/complex_fit.hpp"

#include "kernels/phase/simulated_echoes.hpp"
#include "phase/linear_fit.hpp"

namespace qsm {
namespace {

using test::Echoes;
using test::kTwoPi;
using test::Values;

class ComplexFitTest : public test::DeviceTest {
 protected:
  test::Fitted fit(Echoes const& echoes, std::vector<std::uint8_t> const& mask = {},
                   Values const& known_offset = {}) {
    return test::run_fit(device(), complex_fit<ThisDevice>, echoes, inside(echoes, mask),
                         known_offset);
  }
  test::Fitted line(Echoes const& echoes, Values const& known_offset) {
    return test::run_fit(device(), linear_fit<ThisDevice>, echoes, inside(echoes, {}),
                         known_offset);
  }
  static std::vector<std::uint8_t> inside(Echoes const& echoes, std::vector<std::uint8_t> mask) {
    return mask.empty() ? std::vector<std::uint8_t>(echoes.grid.size(), 1) : mask;
  }
};

struct Statistics {
  double bias = 0, variance = 0, bound = 0;  // means over the voxels [Hz, Hz^2]
};

Statistics statistics(test::Fitted const& fitted, Echoes const& echoes) {
  Statistics s;
  auto const count = static_cast<double>(fitted.field_hz.size());
  for (std::size_t n = 0; n < fitted.field_hz.size(); ++n) {
    double const error = static_cast<double>(fitted.field_hz[n]) - echoes.field_hz[n];
    double const noise = static_cast<double>(fitted.noise_hz[n]);
    s.bias += error / count;
    s.variance += error * error / count;
    s.bound += noise * noise / count;
  }
  return s;
}

std::vector<double> equidistant(int echoes, double first_s, double spacing_s) {
  std::vector<double> te;
  for (int e = 0; e < echoes; ++e) te.push_back(first_s + e * spacing_s);
  return te;
}

TEST_F(ComplexFitTest, IsUnbiasedAndReachesTheCramerRaoBound) {
  Grid const g{37, 29, 23};
  for (int const count : {3, 5, 12}) {
    Echoes const echoes(g, equidistant(count, 0.004, 0.004), 40, 200, 1);

    auto const result = fit(echoes);

    auto const s = statistics(result, echoes);
    EXPECT_LT(std::abs(s.bias), 0.05);
    EXPECT_NEAR(s.variance / s.bound, 1, 0.1);
    EXPECT_TRUE(result.summary.noise_is_absolute);
    EXPECT_EQ(result.summary.freedom, count - 2);
    EXPECT_NEAR(result.summary.noise_sigma, 1, 0.03);
  }
}

TEST_F(ComplexFitTest, AKnownOffsetLeavesOneParameterAndItsSmallerBound) {
  Grid const g{37, 29, 23};
  Echoes const echoes(g, {0.004, 0.010, 0.016, 0.022, 0.028}, 40, 200, 1);
  Values const truth(echoes.offset_rad.begin(), echoes.offset_rad.end());

  auto const known = fit(echoes, {}, truth);
  auto const free = fit(echoes);

  auto const s = statistics(known, echoes);
  EXPECT_LT(std::abs(s.bias), 0.05);
  EXPECT_NEAR(s.variance / s.bound, 1, 0.1);
  EXPECT_LT(s.variance, 0.5 * statistics(free, echoes).variance);
  EXPECT_EQ(known.summary.freedom, 4);
  EXPECT_NEAR(known.summary.noise_sigma, 1, 0.03);
  EXPECT_EQ(known.offset_rad, truth);
}

// The turns of the phases decide which of the equal minima is found: whole turns in every echo move
// the offset, turns that grow with the echo the field by 1 / dTE.
TEST_F(ComplexFitTest, StaysOnTheBranchOfItsStart) {
  Grid const g{19, 15, 13};
  double const spacing = 0.005;
  Echoes echoes(g, equidistant(4, 0.005, spacing), 30, 80, 1);
  auto const before = fit(echoes);
  for (std::size_t e = 0; e < 4; ++e)
    for (std::size_t n = 0; n < g.size(); ++n)
      echoes.phase[e][n] +=
          static_cast<float>(kTwoPi * (g.index(n).x < 9 ? 3.0 : static_cast<double>(e + 1)));

  auto const after = fit(echoes);

  for (std::size_t n = 0; n < g.size(); ++n) {
    bool const offset = g.index(n).x < 9;
    // 20 rad have an ulp of 2e-6, over the 15 ms of the echoes.
    EXPECT_NEAR(after.field_hz[n], before.field_hz[n] + (offset ? 0 : 1 / spacing), 2e-4);
    EXPECT_NEAR(after.offset_rad[n], before.offset_rad[n] + (offset ? 3 * kTwoPi : 0), 2e-5);
    EXPECT_NEAR(after.residual_rad[n], before.residual_rad[n], 1e-5);
  }
}

// An echo that is off by r pulls with r in a line and with sin r here: from a quarter turn on less
// and less, and not at all when it is a whole turn off. With a free offset the first and the last
// echo have the leverage to drag the curve along and show it in the others' residuals.
TEST_F(ComplexFitTest, AnEchoThatIsOffPullsLessThanInALine) {
  Grid const g{9, 8, 7};
  for (auto const& [off, share] :
       {std::pair{0.5, 0.995}, {1.0, 0.97}, {2.0, 0.82}, {3.0, 0.2}, {kTwoPi, 0.001}})
    for (bool const known : {true, false})
      for (std::size_t echo = known ? 0 : 1; echo < (known ? 5 : 4); ++echo) {
        Echoes echoes(g, {0.004, 0.010, 0.016, 0.022, 0.028}, 1e5, 60, 0.5);
        for (float& p : echoes.phase[echo]) p += static_cast<float>(off);
        Values offset(echoes.offset_rad.begin(), echoes.offset_rad.end());
        if (!known) offset.clear();

        double const curved = statistics(fit(echoes, {}, offset), echoes).bias;
        double const straight = statistics(line(echoes, offset), echoes).bias;

        std::printf("%s offset, echo %zu off by %.2f rad: line %7.3f Hz, complex %7.3f Hz\n",
                    known ? "known" : "free", echo + 1, off, straight, curved);
        EXPECT_LT(std::abs(curved), share * std::abs(straight));
      }
}

TEST_F(ComplexFitTest, TwoEchoesPassThroughBothAndOneThroughTheOrigin) {
  Grid const g{9, 8, 7};
  Echoes const two(g, {0.005, 0.015}, 1e6, 50, 0.5);
  Echoes const one(g, {0.010}, 1e6, 50, 0);

  auto const both = fit(two);
  auto const single = fit(one);

  EXPECT_FALSE(both.summary.noise_is_absolute);
  EXPECT_FALSE(single.summary.noise_is_absolute);
  for (std::size_t n = 0; n < g.size(); ++n) {
    EXPECT_NEAR(both.field_hz[n], two.field_hz[n], 1e-3);
    EXPECT_NEAR(both.offset_rad[n], two.offset_rad[n], 1e-4);
    EXPECT_NEAR(both.residual_rad[n], 0, 1e-5);
    EXPECT_NEAR(single.field_hz[n], one.field_hz[n], 1e-3);
    EXPECT_EQ(single.offset_rad[n], 0);
    EXPECT_GT(single.noise_hz[n], 0);
  }
}

TEST_F(ComplexFitTest, IsZeroWhereNothingIsKnownAndFiniteEverywhere) {
  Grid const g{9, 8, 7};
  Echoes echoes(g, {0.005, 0.010, 0.015}, 50, 50, 0.5);
  std::vector<std::uint8_t> mask(g.size(), 1);
  mask[0] = 0;
  for (auto& m : echoes.magnitude) m[1] = 0;  // no signal
  echoes.phase[1][2] = NAN;                   // two echoes left
  echoes.magnitude[0][3] = NAN;               // one echo left
  echoes.magnitude[1][3] = -1;
  for (std::size_t e = 0; e < 3; ++e) echoes.phase[e][4] = e == 1 ? 3.0f : 0.0f;  // nothing fits

  auto const result = fit(echoes, mask);

  for (std::size_t n : {std::size_t{0}, std::size_t{1}}) {
    EXPECT_EQ(result.field_hz[n], 0);
    EXPECT_EQ(result.noise_hz[n], 0);
  }
  EXPECT_NEAR(result.field_hz[2], echoes.field_hz[2], 5);
  EXPECT_NEAR(result.residual_rad[2], 0, 1e-6);
  EXPECT_NEAR(result.field_hz[3], echoes.phase[2][3] / static_cast<float>(kTwoPi * 0.015), 1e-3);
  EXPECT_GT(result.residual_rad[4], 0.5);
  for (auto const* values :
       {&result.field_hz, &result.offset_rad, &result.noise_hz, &result.residual_rad})
    for (float const v : *values) ASSERT_TRUE(std::isfinite(v));
}

TEST_F(ComplexFitTest, NamesWhatIsWrong) {
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
  EXPECT_EQ(reason({0.005, 0.010, 0.015}, 0), "EMPTY_MASK");
}

}  // namespace
}  // namespace qsm
