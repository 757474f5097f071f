// Dipole, nonlinear TV, TKD and reference against their serial double-precision definitions.
#include <gtest/gtest.h>

#include "inversion/closed_form.hpp"
#include "inversion/reference.hpp"
#include "inversion/variational.hpp"
#include "kernels/oracle/compare.hpp"
#include "math/dipole.hpp"
#include "support/oracle_dipole.hpp"
#include "support/oracle_variational.hpp"
#include "support/ten_ellipsoids.hpp"

namespace qsm {
namespace {

using InversionOracle = test::DeviceTest;
using test::download;
using test::relative_error;
using test::upload;

struct Case {
  oracle::Size size;
  oracle::Vector voxel_mm, b0;
  int pad = 0;
};

Case const kCases[] = {{{7, 5, 6}, {1, 1, 1}, {0, 0, 1}, 0},
                       {{12, 9, 10}, {0.8, 1.1, 2}, {0.2, -0.3, 0.9}, 0},
                       {{9, 8, 7}, {1, 1, 3}, {0.1, 0.4, 2}, 5},
                       {{10, 11, 14}, {2, 1, 1}, {0.5, 0.5, 0.5}, 2}};

oracle::Real padded(oracle::Real const& v, int pad) {
  oracle::Real wide({v.size.nx + pad, v.size.ny + pad, v.size.nz + pad});
  oracle::every_voxel(v.size, [&](oracle::Voxel n) { wide.at(n) = v.at(n); });
  return wide;
}

oracle::Real masked_crop(oracle::Real const& wide, oracle::Mask const& mask, double scale) {
  oracle::Real v(mask.size);
  oracle::every_voxel(v.size, [&](oracle::Voxel n) {
    if (mask.at(n)) v.at(n) = scale * wide.at(n);
  });
  return v;
}

// Two bodies of susceptibility with noise on their field; everything to float, as the kernel sees
// it.
oracle::Real field_of_two_bodies(Case const& c) {
  oracle::Real chi(c.size);
  oracle::every_voxel(c.size, [&](oracle::Voxel v) {
    if (v.i > 1 && v.i < 4 && v.j > 1 && v.k > 2) chi.at(v) = 0.3;
    if (v.i > 4 && v.j < 3 && v.k < 4) chi.at(v) = -0.15;
  });
  oracle::Real field = oracle::dipole_field(chi, c.voxel_mm, c.b0);
  oracle::Real const noise = oracle::random_volume(c.size, 4);
  for (std::size_t n = 0; n < field.data.size(); ++n) field.data[n] += 0.01 * noise.data[n];
  return oracle::rounded(field);
}

oracle::Real weights_of(oracle::Mask const& mask) {
  oracle::Real w = oracle::random_volume(mask.size, 5);
  for (std::size_t n = 0; n < w.data.size(); ++n)
    w.data[n] = mask.data[n] ? std::min(0.95, 0.2 + std::abs(w.data[n])) : 0;
  return oracle::rounded(w);
}

// Two real transforms of fewer than 2^12 values: the error of each is about eps log2(N) = 7e-7 of
// the input's norm, and |D| <= 2/3.
TEST_F(InversionOracle, DipoleFieldIsTheDefinitionForObliqueFieldsAndAnySize) {
  for (Case const& c : kCases) {
    auto const chi = oracle::random_volume(c.size, 2);
    auto const in = upload(device(), chi);
    Buffer<ThisDevice, float> out(device(), in.grid());

    apply_dipole(device(), test::vec(c.voxel_mm), test::vec(c.b0), in.view(), out.field());

    EXPECT_LT(relative_error(download(out), oracle::dipole_field(chi, c.voxel_mm, c.b0)), 3e-6);
  }
}

// As above, times at most 1/t = 1/0.15 by the inverse kernel, plus a half-spectrum of D in float,
// whose relative error near |D| = t is eps / t.
TEST_F(InversionOracle, ThresholdedDivisionIsTheDefinition) {
  for (Case const& c : kCases) {
    auto const mask = oracle::ellipsoid(c.size);
    auto const field = field_of_two_bodies(c);
    auto const expected =
        masked_crop(oracle::thresholded_division(padded(masked_crop(field, mask, 1), c.pad),
                                                 c.voxel_mm, c.b0, 0.15),
                    mask, 1);
    auto const f = upload(device(), field);
    auto const m = upload(device(), mask);
    Buffer<ThisDevice, float> chi(device(), f.grid());

    invert_closed_form(device(), test::vec(c.voxel_mm), test::vec(c.b0), f.view(), m.view(),
                       {.threshold = 0.15, .pad_voxels = c.pad}, chi.field(), {});

    EXPECT_LT(relative_error(download(chi), expected), 1e-5);
  }
}

// As the dipole's, times at most 1 / (2 sqrt(lambda)) = 5, the largest D / (D^2 + lambda).
TEST_F(InversionOracle, TikhonovAndTruncationAreTheDefinition) {
  for (Case const& c : kCases) {
    auto const mask = oracle::ellipsoid(c.size);
    auto const field = field_of_two_bodies(c);
    auto const wide = padded(masked_crop(field, mask, 1), c.pad);
    auto const f = upload(device(), field);
    auto const m = upload(device(), mask);
    Buffer<ThisDevice, float> chi(device(), f.grid());
    for (auto const& [method, expected] :
         {std::pair{ClosedForm::kTikhonov,
                    oracle::regularized_division(wide, c.voxel_mm, c.b0, 0.01, false)},
          std::pair{ClosedForm::kTikhonovGradient,
                    oracle::regularized_division(wide, c.voxel_mm, c.b0, 0.01, true)},
          std::pair{ClosedForm::kTsvd,
                    oracle::thresholded_division(wide, c.voxel_mm, c.b0, 0.15, true)}}) {
      invert_closed_form(device(), test::vec(c.voxel_mm), test::vec(c.b0), f.view(), m.view(),
                         {.method = method, .threshold = 0.15, .lambda = 0.01, .pad_voxels = c.pad},
                         chi.field(), {});
      EXPECT_LT(relative_error(download(chi), masked_crop(expected, mask, 1)), 1e-5);
    }
  }
}

// An iteration is a few transforms, eps log2(N) = 7e-7 relative, and the steps of a method that
// does not expand errors: they add up at most, 7e-7 per iteration.
double iterated_bound(int iterations) {
  return 7e-7 * (iterations + 2);
}

TEST_F(InversionOracle, NonlinearTotalVariationFollowsTheWrittenIteration) {
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
TEST_F(InversionOracle, EveryMisfitFollowsTheWrittenIteration) {
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

TEST_F(InversionOracle, RoundedPriorAndRidgeFollowTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    double mean = 0, count = 0;
    for (std::size_t n = 0; n < both.w.data.size(); ++n) {
      mean += both.mask.data[n] * both.w.data[n] * both.w.data[n];
      count += both.mask.data[n];
    }
    oracle::VariationalOptions const o = {.alpha = 4e-3,
                                          .mu1 = 0.05,
                                          .iterations = 40,
                                          .gradient_scale = oracle::gradient_scale(c.voxel_mm),
                                          .rounding = 9 * 0.01,
                                          .ridge = 0.02 * mean / count};
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

TEST_F(InversionOracle, TotalVariationAlongTheEdgesOfAnImageFollowsTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    oracle::Real const image = oracle::random_volume(c.size, 12);
    auto const scale = oracle::gradient_scale(c.voxel_mm);
    oracle::VariationalOptions const o = {.alpha = 4e-3,
                                          .mu1 = 0.05,
                                          .iterations = 40,
                                          .gradient_scale = scale,
                                          .edges = edges_of(image, both.mask, c.pad, scale)};
    auto const x = oracle::tv(both.phase(), both.weight(true), both.dipole(), o);

    auto const map =
        both.invert(device(), {.alpha = o.alpha, .mu1 = o.mu1, .max_iterations = 40}, &image);

    EXPECT_LT(relative_error(map, both.map(x)), iterated_bound(40)) << c.size.nx << " voxels";
  }
}

TEST_F(InversionOracle, TotalGeneralisedVariationFollowsTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    oracle::VariationalOptions const o = {.alpha = 4e-3,
                                          .mu1 = 0.05,
                                          .iterations = 40,
                                          .gradient_scale = oracle::gradient_scale(c.voxel_mm)};
    auto const x = oracle::tgv(both.phase(), both.weight(true), both.dipole(), o);

    auto const map = both.invert(
        device(), {.prior = Prior::kTgv, .alpha = o.alpha, .mu1 = o.mu1, .max_iterations = 40});

    EXPECT_LT(relative_error(map, both.map(x.x)), iterated_bound(40)) << c.size.nx << " voxels";
  }
}

TEST_F(InversionOracle, WeakHarmonicBackgroundFollowsTheWrittenIteration) {
  for (Case const& c : kCases) {
    BothSides const both(c, 9);
    oracle::VariationalOptions const o = {.alpha = 4e-3,
                                          .mu1 = 0.05,
                                          .iterations = 40,
                                          .gradient_scale = oracle::gradient_scale(c.voxel_mm)};
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
TEST_F(InversionOracle, NonlinearTotalVariationWithoutWarmStartNorAnisotropyNorWeights) {
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
TEST_F(InversionOracle, TenEllipsoidsScoreAsTheOracleDoes) {
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
TEST_F(InversionOracle, PhaseLimitLowersScaleAndAlphaTogether) {
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

TEST_F(InversionOracle, ReferenceSubtractsTheMeanOverTheMask) {
  oracle::Size const s = {12, 9, 10};
  auto const mask = oracle::ellipsoid(s);
  auto const chi = oracle::random_volume(s, 8);
  double sum = 0, count = 0;
  for (std::size_t n = 0; n < chi.data.size(); ++n) {
    sum += mask.data[n] * chi.data[n];
    count += mask.data[n];
  }
  oracle::Real expected(s);
  for (std::size_t n = 0; n < chi.data.size(); ++n)
    expected.data[n] = mask.data[n] * (chi.data[n] - sum / count);
  auto const m = upload(device(), mask);
  auto map = upload(device(), chi);

  double const mean = reference(device(), ReferenceMethod::kMaskMean, m.view(), map.field());

  EXPECT_NEAR(mean, sum / count, 1e-9);                           // summed in double
  EXPECT_LT(test::largest_error(download(map), expected), 5e-7);  // an ulp of values up to 4
}

}  // namespace
}  // namespace qsm
