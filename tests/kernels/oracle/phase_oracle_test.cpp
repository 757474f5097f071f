// Unwrapping and the fit over echoes against the definitions.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "kernels/oracle/compare.hpp"
#include "phase/laplacian_unwrap.hpp"
#include "phase/linear_fit.hpp"
#include "phase/temporal_unwrap.hpp"
#include "support/oracle_fit.hpp"
#include "support/oracle_mask.hpp"
#include "support/oracle_unwrap.hpp"

namespace qsm {
namespace {

using PhaseOracle = test::DeviceTest;
using test::download;
using test::upload;

constexpr double kTwoPi = 2 * std::numbers::pi;

oracle::Real hill(oracle::Size s, double noise) {
  auto phase = oracle::random_volume(s, 6);
  oracle::every_voxel(s, [&](oracle::Voxel v) {
    double const x = v.i - 0.4 * s.nx, y = v.j - 0.5 * s.ny, z = v.k - 0.6 * s.nz;
    phase.at(v) = noise * phase.at(v) + 9 * std::exp(-0.06 * (x * x + y * y + z * z)) + 0.7 * v.i;
  });
  return phase;
}

// Noise of 0.8 rad leaves residues, so that the least-squares solution is not congruent and the
// snapping decides. Where the oracle itself is within 0.01 turns of the decision, rounding and the
// end of the conjugate gradients may decide otherwise; elsewhere the turns are the same integers,
// up to one for the whole mask where the median is itself such a tie.
TEST_F(PhaseOracle, LaplacianUnwrappingIsTheMaskedLeastSquaresSolutionMadeCongruent) {
  for (oracle::Size const s : {oracle::Size{7, 5, 6}, {12, 9, 10}, {13, 8, 9}})
    for (double const noise : {0.0, 0.3, 0.8}) {
      oracle::Vector const h = {1, 1.4, 0.7};
      auto const truth = hill(s, noise);
      oracle::Real wrapped = truth;
      for (double& w : wrapped.data) w = oracle::wrap(w);
      wrapped = oracle::rounded(wrapped);
      auto const mask =
          oracle::largest_component(oracle::ellipsoid(s, {{s.nx / 2, s.ny / 2, s.nz / 2}}));
      auto const u = oracle::masked_unwrap(wrapped, mask, h);
      std::vector<double> turns;
      for (std::size_t n = 0; n < u.data.size(); ++n)
        if (mask.data[n]) turns.push_back((u.data[n] - wrapped.data[n]) / kTwoPi);
      double const median = oracle::median(turns);
      auto const expected = oracle::snap_to_congruence(u, wrapped, mask);
      auto const w = upload(device(), wrapped);
      auto const m = upload(device(), mask);
      Buffer<ThisDevice, float> out(device(), w.grid());

      LaplacianUnwrap<ThisDevice>(device(), w.grid(), test::vec(h))
          .run(w.view(), m.view(), out.field());

      auto const phase = download(out);
      std::size_t ties = 0;
      for (std::size_t n = 0; n < u.data.size(); ++n) {
        if (!mask.data[n]) {
          EXPECT_EQ(phase.data[n], 0);
          continue;
        }
        double const exact = (u.data[n] - wrapped.data[n]) / kTwoPi - median;
        EXPECT_NEAR(oracle::wrap(phase.data[n] - wrapped.data[n]), 0, 1e-5);  // ulps of 30 rad
        if (std::abs(std::abs(exact - std::floor(exact)) - 0.5) < 0.01)
          ++ties;
        else
          EXPECT_NEAR(phase.data[n], expected.data[n], 1e-5) << "noise " << noise;
      }
      EXPECT_LE(ties, turns.size() / 10);
    }
}

// An echo phase of 60 rad has an ulp of 4e-6; the prediction multiplies it once.
TEST_F(PhaseOracle, EchoesAreUnwrappedOutwardOneByOne) {
  oracle::Size const s = {12, 9, 10};
  std::vector<double> const te = {0.004, 0.01, 0.017, 0.026};
  auto const first = oracle::rounded(hill(s, 0.1));
  std::vector<oracle::Real> wrapped;
  for (std::size_t e = 0; e < te.size(); ++e) {
    auto const noise = oracle::random_volume(s, 20 + static_cast<unsigned>(e));
    oracle::Real w = first;
    for (std::size_t n = 0; n < w.data.size(); ++n)
      w.data[n] = oracle::wrap(first.data[n] * te[e] / te[0] + 0.2 * noise.data[n]);
    wrapped.push_back(oracle::rounded(w));
  }
  auto const expected = oracle::temporal_unwrap(first, wrapped, te);
  auto previous = upload(device(), first);
  for (std::size_t e = 1; e < te.size(); ++e) {
    auto echo = upload(device(), wrapped[e]);
    unwrap_echo(device(), previous.view(), te[e - 1], echo.view(), te[e], echo.field());
    EXPECT_LT(test::largest_error(download(echo), expected[e]), 3e-5) << "echo " << e;
    previous = std::move(echo);
  }
}

struct Echoes {
  std::vector<double> te;
  std::vector<oracle::Real> phase, magnitude;
};

struct DeviceEchoes {
  std::vector<Buffer<ThisDevice, float>> owned;
  std::vector<Field<float const>> phases, magnitudes;

  DeviceEchoes(ThisDevice const& device, Echoes const& echoes) {
    auto const keep = [&](oracle::Real const& volume) {
      owned.push_back(upload(device, volume));
      return owned.back().view();
    };
    for (auto const& p : echoes.phase) phases.push_back(keep(p));
    for (auto const& m : echoes.magnitude) magnitudes.push_back(keep(m));
  }
};

Echoes line_with_noise(oracle::Size s, std::vector<double> const& te) {
  Echoes echoes{te, {}, {}};
  auto const field = oracle::random_volume(s, 30);
  for (std::size_t e = 0; e < te.size(); ++e) {
    auto phase = oracle::random_volume(s, 31 + static_cast<unsigned>(e));
    auto magnitude = oracle::random_volume(s, 41 + static_cast<unsigned>(e));
    for (std::size_t n = 0; n < phase.data.size(); ++n) {
      magnitude.data[n] = 100 * (0.2 + std::abs(magnitude.data[n]));
      phase.data[n] =
          0.4 + kTwoPi * 40 * field.data[n] * te[e] + 2 / magnitude.data[n] * phase.data[n];
    }
    echoes.phase.push_back(oracle::rounded(phase));
    echoes.magnitude.push_back(oracle::rounded(magnitude));
  }
  return echoes;
}

// Phases reach 25 rad (ulp 2e-6) over 20 ms: a slope kept to some ulps of its data is good to
// 4 eps 25 / (2 pi 0.02) = 5e-5 Hz, an intercept to 1e-5 rad, a residual to an ulp of the phase.
TEST_F(PhaseOracle, TheFitIsThatOfTheNormalEquations) {
  oracle::Size const s = {12, 9, 10};
  auto const mask = oracle::ellipsoid(s);
  for (std::vector<double> const& te : {std::vector<double>{0.004, 0.012, 0.02},
                                        {0.004, 0.02},
                                        {0.003, 0.007, 0.011, 0.02},
                                        {0.015}}) {
    Echoes const echoes = line_with_noise(s, te);
    DeviceEchoes const uploaded(device(), echoes);
    Grid const g = test::grid(s);
    Buffer<ThisDevice, float> field(device(), g), offset(device(), g), noise(device(), g),
        residual(device(), g);
    auto const m = upload(device(), mask);

    auto const summary =
        linear_fit(device(), uploaded.phases, uploaded.magnitudes, te, m.view(),
                   {field.field(), offset.field(), noise.field(), residual.field()});

    EXPECT_EQ(summary.noise_is_absolute, te.size() > 2);
    auto const f = download(field), o = download(offset), sigma = download(noise),
               r = download(residual);
    for (std::size_t n = 0; n < f.data.size(); ++n) {
      if (!mask.data[n]) {
        EXPECT_EQ(f.data[n], 0);
        continue;
      }
      std::vector<double> phi, weight;
      for (std::size_t e = 0; e < te.size(); ++e) {
        phi.push_back(echoes.phase[e].data[n]);
        weight.push_back(echoes.magnitude[e].data[n] * echoes.magnitude[e].data[n]);
      }
      auto const line = te.size() > 1 ? oracle::fit_line(te, phi, weight)
                                      : oracle::fit_through_origin(te, phi, weight);
      EXPECT_NEAR(f.data[n], line.slope / kTwoPi, 5e-5);
      EXPECT_NEAR(o.data[n], line.intercept, 1e-5);
      EXPECT_NEAR(r.data[n], line.residual, 1e-5);
      double const bound = summary.noise_sigma * std::sqrt(line.slope_variance) / kTwoPi;
      EXPECT_NEAR(sigma.data[n], bound, 1e-5 * bound);
    }
  }
}

// With the offset known the line is one through the origin of what is left, and one degree of
// freedom more judges it. Bounds as above.
TEST_F(PhaseOracle, AKnownOffsetLeavesALineThroughTheOrigin) {
  oracle::Size const s = {12, 9, 10};
  auto const mask = oracle::ellipsoid(s);
  std::vector<double> const te = {0.004, 0.010, 0.016, 0.022};
  Echoes const echoes = line_with_noise(s, te);
  auto known = oracle::random_volume(s, 60);
  for (double& v : known.data) v = 0.4 + 0.05 * v;
  known = oracle::rounded(known);
  DeviceEchoes const uploaded(device(), echoes);
  Grid const g = test::grid(s);
  Buffer<ThisDevice, float> field(device(), g), offset(device(), g), noise(device(), g),
      residual(device(), g);

  auto const summary =
      linear_fit(device(), uploaded.phases, uploaded.magnitudes, te, upload(device(), mask).view(),
                 {field.field(), offset.field(), noise.field(), residual.field()},
                 upload(device(), known).view());

  EXPECT_EQ(summary.freedom, 3);
  auto const f = download(field), o = download(offset), sigma = download(noise),
             r = download(residual);
  for (std::size_t n = 0; n < f.data.size(); ++n) {
    if (!mask.data[n]) {
      EXPECT_EQ(f.data[n], 0);
      continue;
    }
    std::vector<double> left, weight;
    double power = 0;
    for (std::size_t e = 0; e < te.size(); ++e) {
      double const m = echoes.magnitude[e].data[n];
      left.push_back(echoes.phase[e].data[n] - known.data[n]);
      weight.push_back(m * m);
      power += m * m * te[e] * te[e];
    }
    auto const line = oracle::fit_through_origin(te, left, weight);
    EXPECT_NEAR(f.data[n], line.slope / kTwoPi, 5e-5);
    EXPECT_NEAR(o.data[n], known.data[n], 1e-6);
    EXPECT_NEAR(r.data[n], line.residual, 1e-5);
    double const bound = summary.noise_sigma / std::sqrt(power) / kTwoPi;
    EXPECT_NEAR(sigma.data[n], bound, 1e-5 * bound);
  }
}

// chi^2 with E - 2 degrees of freedom has the medians 0.4549 (one) and 2 ln 2 (two), so the median
// of sum m^2 r^2 over the mask is that times sigma^2. 2 % is what the usual closed form for the
// median, k (1 - 2/9k)^3, is off by at most (1.7 % for one degree, 0.7 % for two).
TEST_F(PhaseOracle, NoiseIsTheMedianMisfitInUnitsOfChiSquare) {
  oracle::Size const s = {12, 9, 10};
  oracle::Mask const mask(s, 1);
  for (std::vector<double> const& te :
       {std::vector<double>{0.004, 0.012, 0.02}, {0.003, 0.007, 0.011, 0.02}}) {
    Echoes const echoes = line_with_noise(s, te);
    DeviceEchoes const uploaded(device(), echoes);
    std::vector<double> misfits;
    for (std::size_t n = 0; n < mask.data.size(); ++n) {
      std::vector<double> phi, weight;
      double total = 0;
      for (std::size_t e = 0; e < te.size(); ++e) {
        phi.push_back(echoes.phase[e].data[n]);
        weight.push_back(echoes.magnitude[e].data[n] * echoes.magnitude[e].data[n]);
        total += weight.back();
      }
      double const r = oracle::fit_line(te, phi, weight).residual;
      misfits.push_back(total * r * r);
    }
    double const chi2_median = te.size() == 3 ? 0.4549364 : 2 * std::log(2.0);
    double const expected = std::sqrt(oracle::median(misfits) / chi2_median);
    Grid const g = test::grid(s);
    Buffer<ThisDevice, float> a(device(), g), b(device(), g), c(device(), g), d(device(), g);

    auto const summary =
        linear_fit(device(), uploaded.phases, uploaded.magnitudes, te,
                   upload(device(), mask).view(), {a.field(), b.field(), c.field(), d.field()});

    EXPECT_NEAR(summary.noise_sigma, expected, 0.02 * expected);
    EXPECT_NEAR(summary.noise_sigma, 2, 0.2);  // what went in, to 3 sigma of its sampling
  }
}

}  // namespace
}  // namespace qsm
