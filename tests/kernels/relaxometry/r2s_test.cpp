#include "relaxometry/r2s.hpp"

#include <cmath>
#include <random>

#include "device/buffer.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using Values = std::vector<float>;

constexpr R2sMethod kMethods[] = {R2sMethod::kArlo, R2sMethod::kLogLinear, R2sMethod::kNonlinear};

char const* name(R2sMethod method) {
  static char const* const names[] = {"auto", "arlo", "log-linear", "nonlinear"};
  return names[static_cast<int>(method)];
}

struct Maps {
  Values r2s, m0;
};

class R2sTest : public test::DeviceTest {
 protected:
  Maps fit(R2sOptions const& options, Grid g, std::vector<double> const& te,
           std::vector<Values> const& echoes, std::uint8_t inside = 1,
           std::size_t outside = ~std::size_t{0}) {
    std::vector<Buffer<ThisDevice, float>> held;
    std::vector<Field<float const>> fields;
    for (auto const& e : echoes) fields.push_back(held.emplace_back(device(), g, e).view());
    std::vector<std::uint8_t> mask(g.size(), inside);
    if (outside < g.size()) mask[outside] = 0;
    Buffer<ThisDevice, std::uint8_t> const m(device(), g, mask);
    Buffer<ThisDevice, float> r2s(device(), g), m0(device(), g);
    fit_r2s(device(), fields, te, m.view(), options, {r2s.field(), m0.field()});
    return {r2s.to_host(), m0.to_host()};
  }
};

double rate_at(std::size_t n, std::size_t count) {  // 5 .. 200 1/s
  return 5 + 195.0 * static_cast<double>(n) / static_cast<double>(count - 1);
}

/// Rician magnitudes of 500 exp(-R TE), noise per channel `sigma`.
std::vector<Values> decays(Grid g, std::vector<double> const& te, auto rate, double sigma) {
  std::mt19937 random(4);
  std::normal_distribution<double> normal;
  std::vector<Values> echoes;
  for (double const t : te) {
    Values m(g.size());
    for (std::size_t n = 0; n < g.size(); ++n)
      m[n] = static_cast<float>(std::hypot(500 * std::exp(-rate(n) * t) + sigma * normal(random),
                                           sigma * normal(random)));
    echoes.push_back(m);
  }
  return echoes;
}

std::vector<double> const kFive = {0.005, 0.010, 0.015, 0.020, 0.025};

TEST_F(R2sTest, RecoversMonoExponentialsWithoutNoise) {
  Grid const g{27, 5, 3};
  auto const rate = [&](std::size_t n) { return rate_at(n, g.size()); };
  for (auto const& te : {kFive,
                         std::vector<double>{0.005, 0.010, 0.015},
                         {0.003, 0.011, 0.019, 0.030},
                         {0.005, 0.010}}) {
    auto const echoes = decays(g, te, rate, 0);
    for (R2sMethod const method : {R2sMethod::kLogLinear, R2sMethod::kNonlinear}) {
      auto const maps = fit({.method = method}, g, te, echoes);
      for (std::size_t n = 0; n < g.size(); ++n) {
        EXPECT_NEAR(maps.r2s[n], rate(n), 1e-5 * rate(n)) << name(method);
        EXPECT_NEAR(maps.m0[n], 500, 500 * 1e-5) << name(method);
      }
    }
  }
}

// Simpson's rule over q = exp(-R dTE): 3 (1 - q^2) / (1 + 4 q + q^2) in place of R dTE.
TEST_F(R2sTest, ArloIsBiasedByNoMoreThanSimpsonsRule) {
  Grid const g{27, 5, 3};
  auto const rate = [&](std::size_t n) { return rate_at(n, g.size()); };

  auto const maps = fit({.method = R2sMethod::kArlo}, g, kFive, decays(g, kFive, rate, 0));

  double worst = 0;
  for (std::size_t n = 0; n < g.size(); ++n) {
    double const q = std::exp(-rate(n) * 0.005);
    double const simpson = 3 / 0.005 * (1 - q * q) / (1 + 4 * q + q * q);
    EXPECT_NEAR(maps.r2s[n], simpson, 1e-5 * simpson);
    worst = std::max(worst, std::abs(maps.r2s[n] / rate(n) - 1));
  }
  EXPECT_LT(worst, 0.01);
  EXPECT_GT(worst, 0.001);  // it is there
}

TEST_F(R2sTest, NoiseAtASignalToNoiseRatioOf20) {
  Grid const g{40, 30, 20};
  for (double const truth : {20.0, 50.0, 100.0}) {
    auto const echoes = decays(
        g, kFive, [&](std::size_t) { return truth; }, 25);
    // The bound for Gaussian noise: M0 and R from m_e.
    double aa = 0, ab = 0, bb = 0;
    for (double const t : kFive) {
      double const e = std::exp(-truth * t);
      aa += e * e;
      ab -= 500 * t * e * e;
      bb += 500 * 500 * t * t * e * e;
    }
    double const bound = 25 * std::sqrt(aa / (aa * bb - ab * ab));
    for (R2sMethod const method : kMethods) {
      auto const maps = fit({.method = method, .noise_floor = 25}, g, kFive, echoes);
      double mean = 0, square = 0;
      for (float const r : maps.r2s) {
        mean += r / static_cast<double>(g.size());
        square += static_cast<double>(r) * static_cast<double>(r) / static_cast<double>(g.size());
      }
      double const deviation = std::sqrt(square - mean * mean);
      std::printf("R2* %5.1f  %-11s bias %7.3f  standard deviation %6.3f  (bound %.3f) 1/s\n",
                  truth, name(method), mean - truth, deviation, bound);
      // The logarithm of noise is not noise about the logarithm: log-linear is biased by design.
      bool const logarithm = method == R2sMethod::kLogLinear;
      EXPECT_LT(std::abs(mean - truth), (logarithm ? 1 : 0.5) * bound) << name(method);
      EXPECT_LT(deviation, 1.3 * bound) << name(method);
    }
  }
}

// A fast decay has sunk into the noise by the later echoes: a pure exponential takes the floor for
// signal.
TEST_F(R2sTest, TheNoiseFloorKeepsLateEchoesFromLoweringTheRate) {
  Grid const g{20, 20, 10};
  std::vector<double> te;
  for (int e = 1; e <= 10; ++e) te.push_back(0.005 * e);
  auto const echoes = decays(
      g, te, [](std::size_t) { return 120.0; }, 25);
  auto const mean = [&](double floor) {
    double sum = 0;
    for (float const r :
         fit({.method = R2sMethod::kNonlinear, .noise_floor = floor}, g, te, echoes).r2s)
      sum += r;
    return sum / static_cast<double>(g.size());
  };
  double const pure = mean(0), floored = mean(25);
  std::printf("R2* 120: mean %.1f without the floor, %.1f with it\n", pure, floored);
  EXPECT_LT(pure, 110);
  EXPECT_NEAR(floored, 120, 0.5 * (120 - pure));
}

TEST_F(R2sTest, LeavesOutWhatIsNoSignalAndStaysFinite) {
  Grid const g{9, 8, 7};
  auto echoes = decays(
      g, kFive, [](std::size_t) { return 30.0; }, 0);
  for (auto& e : echoes) e[1] = 0;
  for (auto& e : echoes) e[2] = NAN;
  for (std::size_t e = 1; e < 5; ++e) echoes[e][3] = -1;  // one echo left
  echoes[2][4] = 0;                                       // no three neighbours left for ARLO
  for (std::size_t e = 0; e < 5; ++e) {
    echoes[e][5] = static_cast<float>(1 + e);  // grows
    echoes[e][6] = e == 0 ? 1e6f : 1e-6f;      // beyond any tissue
    echoes[e][7] = std::numeric_limits<float>::infinity();
    echoes[e][8] = 1e-38f;
  }

  for (R2sMethod const method : kMethods) {
    auto const maps = fit({.method = method}, g, kFive, echoes, 1, 0);

    for (std::size_t const n : {0, 1, 2, 3, 5, 7}) EXPECT_EQ(maps.r2s[n], 0) << name(method) << n;
    for (std::size_t const n : {0, 1, 2, 7}) EXPECT_EQ(maps.m0[n], 0) << name(method) << n;
    EXPECT_NEAR(maps.r2s[4], 30, 1e-3) << name(method);
    EXPECT_EQ(maps.r2s[6], 500) << name(method);
    EXPECT_NEAR(maps.r2s[9], 30, 0.01) << name(method);
    for (auto const* values : {&maps.r2s, &maps.m0})
      for (float const v : *values) ASSERT_TRUE(std::isfinite(v)) << name(method);
  }
}

TEST_F(R2sTest, AutoIsArloForEquidistantEchoesElseTheLogarithms) {
  EXPECT_EQ(resolve(R2sMethod::kAuto, kFive), R2sMethod::kArlo);
  EXPECT_EQ(resolve(R2sMethod::kAuto, {0.00492, 0.00984, 0.01476, 0.01969}), R2sMethod::kArlo);
  EXPECT_EQ(resolve(R2sMethod::kAuto, {0.005, 0.010, 0.016}), R2sMethod::kLogLinear);
  EXPECT_EQ(resolve(R2sMethod::kAuto, {0.005, 0.010}), R2sMethod::kLogLinear);
  EXPECT_EQ(resolve(R2sMethod::kNonlinear, kFive), R2sMethod::kNonlinear);
}

TEST_F(R2sTest, NamesWhatIsWrong) {
  Grid const g{4, 4, 4};
  auto const reason = [&](R2sMethod method, std::vector<double> const& te, std::uint8_t inside,
                          std::size_t volumes) {
    try {
      fit({.method = method}, g, te, std::vector<Values>(volumes, Values(g.size(), 1)), inside);
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };
  EXPECT_EQ(reason(R2sMethod::kAuto, {0.005}, 1, 1), "ECHO_COUNT");
  EXPECT_EQ(reason(R2sMethod::kArlo, {0.005, 0.010}, 1, 2), "ECHO_COUNT");
  EXPECT_EQ(reason(R2sMethod::kAuto, {0.005, 0.010}, 1, 3), "ECHO_COUNT");
  EXPECT_EQ(reason(R2sMethod::kAuto, std::vector<double>(33, 0.01), 1, 33), "ECHO_COUNT");
  EXPECT_EQ(reason(R2sMethod::kLogLinear, {0.010, 0.005}, 1, 2), "ECHO_TIMES");
  EXPECT_EQ(reason(R2sMethod::kArlo, {0.005, 0.010, 0.020}, 1, 3), "NOT_EQUIDISTANT");
  EXPECT_EQ(reason(R2sMethod::kAuto, kFive, 0, 5), "EMPTY_MASK");
}

}  // namespace
}  // namespace qsm
