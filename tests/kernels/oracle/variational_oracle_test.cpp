// The variational inversions against their serial double-precision definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "inversion/variational.hpp"
#include "kernels/oracle/compare.hpp"
#include "kernels/oracle/inversion_cases.hpp"
#include "support/oracle_variational.hpp"
#include "support/ten_ellipsoids.hpp"

namespace qsm {
namespace {

using VariationalOracle = test::DeviceTest;
using test::Case;
using test::download;
using test::field_of_two_bodies;
using test::kCases;
using test::masked_crop;
using test::padded;
using test::relative_error;
using test::upload;

oracle::Real weights_of(oracle::Mask const& mask) {
  oracle::Real w = oracle::random_volume(mask.size, 5);
  for (std::size_t n = 0; n < w.data.size(); ++n)
    w.data[n] = mask.data[n] ? std::min(0.95, 0.2 + std::abs(w.data[n])) : 0;
  return oracle::rounded(w);
}

// An iteration is a few transforms, eps log2(N) = 7e-7 relative, and the steps of a method that
// does not expand errors: they add up at most, 7e-7 per iteration.
double iterated_bound(int iterations) {
  return 7e-7 * (iterations + 2);
}

TEST_F(VariationalOracle, NonlinearTotalVariationFollowsTheWrittenIteration) {
  double const c_rad = 9;  // rad/ppm: |phi| up to about 2 rad
  for (Case const& c : kCases) {
    for (int iterations : {1, 12, 60}) {
      auto const mask = oracle::ellipsoid(c.size, {{c.size.nx / 2, c.size.ny / 2, c.size.nz / 2}});
      auto const field = field_of_two_bodies(c);
      auto const w = weights_of(mask);
      oracle::Real phase = field, square = w;
      for (std::size_t n = 0; n < w.data.size(); ++n) {
        phase.data[n] *= mask.data[n] * c_rad;
        square.data[n] *= w.data[n];
      }
      oracle::VariationalOptions const o = {.alpha = 2e-3,
                                            .mu1 = 0.05,
                                            .mu2 = 1,
                                            .iterations = iterations,
                                            .linear_iterations = 10,
                                            .gradient_scale = oracle::gradient_scale(c.voxel_mm)};
      auto const wide = padded(phase, c.pad);
      auto const x =
          oracle::tv(wide, padded(square, c.pad), oracle::dipole(wide.size, c.voxel_mm, c.b0), o);
      auto const expected = masked_crop(x, mask, 1 / c_rad);
      auto const f = upload(device(), field);
      auto const m = upload(device(), mask);
      auto const weight = upload(device(), w);
      Buffer<ThisDevice, float> chi(device(), f.grid());

      auto const report = invert_variational(device(), test::vec(c.voxel_mm), test::vec(c.b0),
                                             c_rad, f.view(), m.view(), weight.view(),
                                             {.alpha = o.alpha,
                                              .mu1 = o.mu1,
                                              .relaxation = o.relaxation,
                                              .max_iterations = iterations,
                                              .tolerance = 1e-12,
                                              .linear_iterations = 10,
                                              .pad_voxels = c.pad,
                                              .phase_limit = 0},
                                             chi.field(), {});

      EXPECT_EQ(report.iterations, iterations);
      EXPECT_LT(relative_error(download(chi), expected), iterated_bound(iterations))
          << c.size.nx << " voxels, " << iterations << " iterations";
    }
  }
}

/// One problem as the kernel and as an oracle see it.
struct BothSides {
  Case c;
  oracle::Mask mask;
  oracle::Real field, w;
  double c_rad;

  BothSides(Case const& of, double rad_per_ppm)
      : c(of),
        mask(oracle::ellipsoid(c.size, {{c.size.nx / 2, c.size.ny / 2, c.size.nz / 2}})),
        field(field_of_two_bodies(c)),
        w(weights_of(mask)),
        c_rad(rad_per_ppm) {}

  oracle::VariationalOptions options() const {
    return {.alpha = 4e-3,
            .mu1 = 0.05,
            .iterations = 40,
            .gradient_scale = oracle::gradient_scale(c.voxel_mm)};
  }

  oracle::Real phase() const {
    oracle::Real p = field;
    for (std::size_t n = 0; n < p.data.size(); ++n) p.data[n] *= mask.data[n] * c_rad;
    return padded(p, c.pad);
  }
  oracle::Real weight(bool squared) const {
    oracle::Real p = w;
    if (squared)
      for (double& v : p.data) v *= v;
    return padded(p, c.pad);
  }
  oracle::Real dipole() const { return oracle::dipole(phase().size, c.voxel_mm, c.b0); }
  oracle::Real map(oracle::Real const& x) const { return masked_crop(x, mask, 1 / c_rad); }

  oracle::Real invert(ThisDevice const& device, VariationalOptions options,
                      oracle::Real const* image = nullptr) const {
    auto const f = upload(device, field);
    auto const m = upload(device, mask);
    auto const weight = upload(device, w);
    Buffer<ThisDevice, float> chi(device, f.grid()), edges;
    if (image) edges = upload(device, *image);
    options.tolerance = 1e-12;
    options.pad_voxels = c.pad;
    options.phase_limit = 0;
    invert_variational(device, test::vec(c.voxel_mm), test::vec(c.b0), c_rad, f.view(), m.view(),
                       weight.view(), options, chi.field(), {}, edges.view());
    return download(chi);
  }
};

// The absolute misfits' penalty mu2 is 200 / c. Their proximal map has a kink, at which a rounding
// moves y by its own size only.
TEST_F(VariationalOracle, EveryMisfitFollowsTheWrittenIteration) {
  for (auto const& [misfit, expected] :
       {std::pair{Misfit::kQuadratic, oracle::Misfit::kQuadratic},
        std::pair{Misfit::kAbsolutePhase, oracle::Misfit::kAbsolutePhase},
        std::pair{Misfit::kAbsolute, oracle::Misfit::kAbsolute}}) {
    for (Case const& c : kCases) {
      BothSides const both(c, 9);
      bool const squared = misfit == Misfit::kQuadratic;
      oracle::VariationalOptions const o = {.alpha = squared ? 2e-3 : 0.03,
                                            .mu1 = squared ? 0.05 : 0.4,
                                            .mu2 = squared ? 1 : 200.0 / 9,
                                            .iterations = 40,
                                            .gradient_scale = oracle::gradient_scale(c.voxel_mm),
                                            .misfit = expected};
      auto const x = oracle::tv(both.phase(), both.weight(squared), both.dipole(), o);

      auto const map = both.invert(
          device(), {.misfit = misfit, .alpha = o.alpha, .mu1 = o.mu1, .max_iterations = 40});

      EXPECT_LT(relative_error(map, both.map(x)), iterated_bound(40))
          << c.size.nx << " voxels, misfit " << static_cast<int>(misfit);
    }
  }
}

TEST_F(VariationalOracle, RoundedPriorAndRidgeFollowTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    double mean = 0, count = 0;
    for (std::size_t n = 0; n < both.w.data.size(); ++n) {
      mean += both.mask.data[n] * both.w.data[n] * both.w.data[n];
      count += both.mask.data[n];
    }
    oracle::VariationalOptions o = both.options();
    o.rounding = 9 * 0.01;
    o.ridge = 0.02 * mean / count;
    auto const x = oracle::tv(both.phase(), both.weight(true), both.dipole(), o);

    auto const map = both.invert(device(), {.rounding_ppm = 0.01,
                                            .ridge = 0.02,
                                            .alpha = o.alpha,
                                            .mu1 = o.mu1,
                                            .max_iterations = 40});

    EXPECT_LT(relative_error(map, both.map(x)), iterated_bound(40)) << c.size.nx << " voxels";
  }
}

/// edge_i = |grad_i (M m)| above its 70th percentile over the mask's three differences.
std::vector<oracle::Mask> edges_of(oracle::Real const& image, oracle::Mask const& mask, int pad,
                                   oracle::Vector scale) {
  auto const wide = padded(masked_crop(image, mask, 1), pad);
  std::vector<oracle::Mask> edges;
  std::vector<oracle::Real> sizes;
  std::vector<double> all;
  for (int axis = 0; axis < 3; ++axis) {
    sizes.push_back(oracle::gradient(wide, axis, scale[static_cast<std::size_t>(axis)]));
    oracle::every_voxel(mask.size, [&](oracle::Voxel v) {
      if (mask.at(v)) all.push_back(std::abs(sizes.back().at(v)));
    });
  }
  std::sort(all.begin(), all.end());
  double const place = 0.7 * static_cast<double>(all.size() - 1);
  auto const below = static_cast<std::size_t>(place);
  double const threshold = all[below] + (place - std::floor(place)) * (all[below + 1] - all[below]);
  for (auto const& size : sizes) {
    oracle::Mask marked(size.size);
    for (std::size_t n = 0; n < size.data.size(); ++n)
      marked.data[n] = std::abs(size.data[n]) > threshold;
    edges.push_back(marked);
  }
  return edges;
}

TEST_F(VariationalOracle, TotalVariationAlongTheEdgesOfAnImageFollowsTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    oracle::Real const image = oracle::random_volume(c.size, 12);
    oracle::VariationalOptions o = both.options();
    o.edges = edges_of(image, both.mask, c.pad, o.gradient_scale);
    auto const x = oracle::tv(both.phase(), both.weight(true), both.dipole(), o);

    auto const map =
        both.invert(device(), {.alpha = o.alpha, .mu1 = o.mu1, .max_iterations = 40}, &image);

    EXPECT_LT(relative_error(map, both.map(x)), iterated_bound(40)) << c.size.nx << " voxels";
  }
}

TEST_F(VariationalOracle, TotalGeneralisedVariationFollowsTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    oracle::VariationalOptions const o = both.options();
    auto const x = oracle::tgv(both.phase(), both.weight(true), both.dipole(), o);

    auto const map = both.invert(
        device(), {.prior = Prior::kTgv, .alpha = o.alpha, .mu1 = o.mu1, .max_iterations = 40});

    EXPECT_LT(relative_error(map, both.map(x.x)), iterated_bound(40)) << c.size.nx << " voxels";
  }
}

TEST_F(VariationalOracle, WeakHarmonicBackgroundFollowsTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    oracle::VariationalOptions const o = both.options();
    oracle::Mask wide(both.phase().size);
    oracle::every_voxel(c.size, [&](oracle::Voxel v) { wide.at(v) = both.mask.at(v); });
    auto const expected =
        oracle::weak_harmonic(both.phase(), both.weight(true), wide, both.dipole(), 150, 0.03, o);

    auto const map = both.invert(
        device(),
        {.prior = Prior::kWeakHarmonic, .alpha = o.alpha, .mu1 = o.mu1, .max_iterations = 40});

    EXPECT_LT(relative_error(map, both.map(expected.x)), iterated_bound(40))
        << c.size.nx << " voxels";
  }
}

// Without weights W is the mask, bounded to stay below mu2: 0.999 in the kernel, hence in the
// oracle.
TEST_F(VariationalOracle, NonlinearTotalVariationWithoutWarmStartNorAnisotropyNorWeights) {
  Case const c = kCases[2];
  auto const mask = oracle::ellipsoid(c.size);
  auto const field = field_of_two_bodies(c);
  oracle::Real phase = field, square(c.size);
  for (std::size_t n = 0; n < phase.data.size(); ++n) {
    phase.data[n] *= 16 * mask.data[n];
    square.data[n] = 0.999 * mask.data[n];
  }
  oracle::VariationalOptions const o = {.alpha = 1e-3,
                                        .mu1 = 0.1,
                                        .mu2 = 1,
                                        .iterations = 40,
                                        .linear_iterations = 0,
                                        .gradient_scale = {1, 1, 1}};
  auto const wide = padded(phase, c.pad);
  auto const x =
      oracle::tv(wide, padded(square, c.pad), oracle::dipole(wide.size, c.voxel_mm, c.b0), o);
  auto const f = upload(device(), field);
  auto const m = upload(device(), mask);
  Buffer<ThisDevice, float> chi(device(), f.grid());

  invert_variational(device(), test::vec(c.voxel_mm), test::vec(c.b0), 16, f.view(), m.view(), {},
                     {.alpha = o.alpha,
                      .mu1 = o.mu1,
                      .relaxation = o.relaxation,
                      .max_iterations = 40,
                      .tolerance = 1e-12,
                      .linear_iterations = 0,
                      .pad_voxels = c.pad,
                      .scale_gradients = false,
                      .phase_limit = 0},
                     chi.field(), {});

  EXPECT_LT(relative_error(download(chi), masked_crop(x, mask, 1.0 / 16)), iterated_bound(40));
}

// The phantom of inversion/ten_ellipsoids_test at a size the oracle finishes in seconds, from the
// field of the oracle's own kernel: the score, not only the iteration, is the oracle's to 2 %.
TEST_F(VariationalOracle, TenEllipsoidsScoreAsTheOracleDoes) {
  oracle::Size const s = {32, 30, 28};
  Grid const g = test::grid(s);
  oracle::Vector const h = {1, 1, 1.25}, b0 = {0.2, 0.3, 0.933};
  oracle::Real chi(s);
  oracle::Mask mask(s);
  auto const true_chi = test::ellipsoid_chi(g);
  chi.data.assign(true_chi.begin(), true_chi.end());
  mask.data = test::ellipsoid_mask(g);
  oracle::Real phase = oracle::rounded(oracle::dipole_field(chi, h, b0));
  oracle::Real const field = phase;
  oracle::Real weight(s);
  for (std::size_t n = 0; n < phase.data.size(); ++n) {
    phase.data[n] *= 16 * mask.data[n];
    weight.data[n] = 0.999 * mask.data[n];
  }
  oracle::VariationalOptions const o = {.alpha = 2e-4,
                                        .mu1 = 0.02,
                                        .mu2 = 1,
                                        .iterations = 40,
                                        .linear_iterations = 10,
                                        .gradient_scale = oracle::gradient_scale(h)};
  auto const expected =
      masked_crop(oracle::tv(phase, weight, oracle::dipole(s, h, b0), o), mask, 1.0 / 16);
  auto const f = upload(device(), field);
  auto const m = upload(device(), mask);
  Buffer<ThisDevice, float> map(device(), g);

  invert_variational(device(), test::vec(h), test::vec(b0), 16, f.view(), m.view(), {},
                     {.alpha = o.alpha,
                      .mu1 = o.mu1,
                      .relaxation = o.relaxation,
                      .max_iterations = o.iterations,
                      .tolerance = 0,
                      .pad_voxels = 0,
                      .phase_limit = 0},
                     map.field(), {});

  auto const error = [&](oracle::Real const& v) {
    double mean = 0, count = 0, sum = 0, power = 0;
    for (std::size_t n = 0; n < v.data.size(); ++n) {
      mean += mask.data[n] * (v.data[n] - chi.data[n]);
      count += mask.data[n];
    }
    for (std::size_t n = 0; n < v.data.size(); ++n) {
      sum += mask.data[n] * std::pow(v.data[n] - chi.data[n] - mean / count, 2);
      power += mask.data[n] * std::pow(chi.data[n], 2);
    }
    return std::sqrt(sum / power);
  };
  EXPECT_NEAR(error(download(map)), error(expected), 0.02 * error(expected));
  EXPECT_LT(relative_error(download(map), expected), iterated_bound(o.iterations));
}

// alpha belongs to the phase scale: lowering both by the same factor is what phase_limit does.
TEST_F(VariationalOracle, PhaseLimitLowersScaleAndAlphaTogether) {
  Case const c = kCases[1];
  auto const mask = oracle::ellipsoid(c.size);
  auto const field = field_of_two_bodies(c);
  auto const f = upload(device(), field);
  auto const m = upload(device(), mask);
  Buffer<ThisDevice, float> limited(device(), f.grid()), scaled(device(), f.grid());
  VariationalOptions options = {
      .alpha = 1e-2, .max_iterations = 20, .tolerance = 1e-12, .pad_voxels = 0};
  auto const run = [&](double rad_per_ppm, Buffer<ThisDevice, float>& chi) {
    return invert_variational(device(), test::vec(c.voxel_mm), test::vec(c.b0), rad_per_ppm,
                              f.view(), m.view(), {}, options, chi.field(), {});
  };

  auto const report = run(200, limited);
  options.alpha = report.alpha;
  options.phase_limit = 0;
  run(report.phase_scale, scaled);

  EXPECT_LT(report.phase_scale, 200);
  EXPECT_NEAR(report.alpha / report.phase_scale, 1e-2 / 200, 1e-12);
  EXPECT_NEAR(report.mu1, 400 * 1e-2 / 200, 1e-12);
  EXPECT_LT(relative_error(download(limited), download(scaled)), 1e-6);
}

}  // namespace
}  // namespace qsm
