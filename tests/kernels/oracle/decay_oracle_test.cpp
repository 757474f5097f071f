// R2* against its definitions.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/oracle/compare.hpp"
#include "relaxometry/r2s.hpp"
#include "support/oracle_decay.hpp"

namespace qsm {
namespace {

using DecayOracle = test::DeviceTest;
using test::download;
using test::upload;

struct Echoes {
  std::vector<double> te;
  std::vector<oracle::Real> magnitude;
};

/// Rates of 5 to about 120/s, noise of 4 % of the signal at TE = 0.
Echoes noisy_decays(oracle::Size s, std::vector<double> const& te) {
  Echoes echoes{te, {}};
  auto const rate = oracle::random_volume(s, 3);
  for (std::size_t e = 0; e < te.size(); ++e) {
    auto m = oracle::random_volume(s, 11 + static_cast<unsigned>(e));
    for (std::size_t n = 0; n < m.data.size(); ++n)
      m.data[n] =
          std::abs(300 * std::exp(-(5 + 40 * std::abs(rate.data[n])) * te[e]) + 12 * m.data[n]);
    echoes.magnitude.push_back(oracle::rounded(m));
  }
  return echoes;
}

// Rates are compared to 1e-5, or 1e-3 per second where they are smaller than 100: what float
// outputs and a least-squares search (square root of the precision) agree to.
TEST_F(DecayOracle, EachMethodIsWhatItsDefinitionSays) {
  oracle::Size const s = {13, 9, 11};
  auto const mask = oracle::ellipsoid(s, {{6, 4, 5}, {7, 4, 5}});
  Grid const g = test::grid(s);
  for (std::vector<double> const& te :
       {std::vector<double>{0.004, 0.010, 0.016, 0.022, 0.028}, {0.003, 0.009, 0.02, 0.026}}) {
    Echoes const echoes = noisy_decays(s, te);
    std::vector<Buffer<ThisDevice, float>> owned;
    std::vector<Field<float const>> fields;
    for (auto const& m : echoes.magnitude) owned.push_back(upload(device(), m));
    for (auto const& o : owned) fields.push_back(o.view());
    auto const inside = upload(device(), mask);
    Buffer<ThisDevice, float> rate(device(), g), m0(device(), g);
    auto const compare = [&](R2sMethod method, double floor, auto expected) {
      fit_r2s(device(), fields, te, inside.view(), {method, floor}, {rate.field(), m0.field()});
      auto const r = download(rate), a = download(m0);
      for (std::size_t n = 0; n < r.data.size(); ++n) {
        if (!mask.data[n]) {
          EXPECT_EQ(r.data[n], 0);
          EXPECT_EQ(a.data[n], 0);
          continue;
        }
        std::vector<double> m;
        for (auto const& e : echoes.magnitude) m.push_back(e.data[n]);
        oracle::DecayFit const fit = expected(m);
        EXPECT_NEAR(r.data[n], std::clamp(fit.rate, 0.0, 500.0), 1e-5 * std::max(fit.rate, 100.0))
            << static_cast<int>(method);
        if (fit.m0 > 0) {
          EXPECT_NEAR(a.data[n], fit.m0, 1e-5 * fit.m0);
        }
      }
    };
    compare(R2sMethod::kLogLinear, 0, [&](std::vector<double> const& m) {
      return oracle::DecayFit{oracle::log_linear_decay(te, m).rate, 0};
    });
    for (double const floor : {0.0, 12.0})
      compare(R2sMethod::kNonlinear, floor, [&](std::vector<double> const& m) {
        return oracle::least_squares_decay(te, m, floor);
      });
    if (te.size() == 5)
      compare(R2sMethod::kAuto, 0, [&](std::vector<double> const& m) {
        return oracle::DecayFit{oracle::arlo_rate(te, m), 0};
      });
  }
}

}  // namespace
}  // namespace qsm
