// The nonlinear fit over the echoes against a search for the least cost.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "kernels/oracle/compare.hpp"
#include "phase/complex_fit.hpp"
#include "support/oracle_fit.hpp"

namespace qsm {
namespace {

using ComplexFitOracle = test::DeviceTest;
using test::download;
using test::upload;

constexpr double kTwoPi = 2 * std::numbers::pi;

// Phases reach 25 rad (ulp 2e-6) over 20 ms and the search ends within 1e-4 rad/s, so a field is
// good to 1e-4 Hz and an intercept to 1e-5 rad, where phase noise of up to 0.5 rad (so that the
// line is up to several Hz away) leaves one minimum within reach.
TEST_F(ComplexFitOracle, TheFitHasTheLeastCost) {
  oracle::Size const s = {13, 9, 11};
  auto const mask = oracle::ellipsoid(s, {{6, 4, 5}, {7, 4, 5}});
  Grid const g = test::grid(s);
  auto const turns = oracle::random_volume(s, 30);
  auto const known = oracle::random_volume(s, 29);
  for (std::vector<double> const& te :
       {std::vector<double>{0.004, 0.012, 0.02}, {0.003, 0.007, 0.011, 0.02}})
    for (bool const fixed : {false, true}) {
      std::vector<oracle::Real> phases, magnitudes;
      std::vector<Buffer<ThisDevice, float>> owned;
      std::vector<Field<float const>> phase_fields, magnitude_fields;
      owned.reserve(2 * te.size());
      for (std::size_t e = 0; e < te.size(); ++e) {
        auto phase = oracle::random_volume(s, 31 + static_cast<unsigned>(e));
        auto magnitude = oracle::random_volume(s, 41 + static_cast<unsigned>(e));
        for (std::size_t n = 0; n < phase.data.size(); ++n) {
          magnitude.data[n] = 100 * (0.2 + std::abs(magnitude.data[n]));
          double const noise = 10 / magnitude.data[n] * phase.data[n];
          phase.data[n] =
              known.data[n] + kTwoPi * 40 * turns.data[n] * te[e] + std::clamp(noise, -0.5, 0.5);
        }
        phases.push_back(oracle::rounded(phase));
        magnitudes.push_back(oracle::rounded(magnitude));
      }
      for (auto const& p : phases)
        phase_fields.push_back(owned.emplace_back(upload(device(), p)).view());
      for (auto const& m : magnitudes)
        magnitude_fields.push_back(owned.emplace_back(upload(device(), m)).view());
      auto const m = upload(device(), mask);
      auto const offset_given = upload(device(), known);
      Buffer<ThisDevice, float> field(device(), g), offset(device(), g), noise(device(), g),
          residual(device(), g);

      auto const summary =
          complex_fit(device(), phase_fields, magnitude_fields, te, m.view(),
                      {field.field(), offset.field(), noise.field(), residual.field()},
                      fixed ? offset_given.view() : Field<float const>{});

      EXPECT_TRUE(summary.noise_is_absolute);
      auto const f = download(field), o = download(offset), sigma = download(noise),
                 r = download(residual);
      double farthest = 0;
      for (std::size_t n = 0; n < f.data.size(); ++n) {
        if (!mask.data[n]) {
          EXPECT_EQ(f.data[n], 0);
          EXPECT_EQ(r.data[n], 0);
          continue;
        }
        std::vector<double> phi, weight;
        double sxx = 0;
        for (std::size_t e = 0; e < te.size(); ++e) {
          phi.push_back(phases[e].data[n]);
          weight.push_back(magnitudes[e].data[n] * magnitudes[e].data[n]);
          sxx += weight[e] * te[e] * te[e];
        }
        auto start = oracle::fit_line(te, phi, weight);
        double const variance = fixed ? 1 / sxx : start.slope_variance;
        if (fixed) start.intercept = known.data[n];
        auto const line = oracle::fit_phasors(te, phi, weight, start, fixed);
        EXPECT_NEAR(f.data[n], line.slope / kTwoPi, 1e-4);
        EXPECT_NEAR(o.data[n], line.intercept, 1e-5);
        EXPECT_NEAR(r.data[n], line.residual, 1e-5);
        double const bound = summary.noise_sigma * std::sqrt(variance) / kTwoPi;
        EXPECT_NEAR(sigma.data[n], bound, 1e-5 * bound);
        farthest = std::max(farthest, std::abs(line.slope - start.slope) / kTwoPi);
      }
      EXPECT_GT(farthest, 0.1);  // the line is not the answer
    }
}

}  // namespace
}  // namespace qsm
