// What nonlinear TV must do whatever its arithmetic: closed forms and optimality. The iteration
// itself is held against its serial definition in oracle/.
#include "inversion/variational.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include "device/buffer.hpp"
#include "math/dipole.hpp"
#include "math/stencil.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using VariationalTest = test::DeviceTest;
using test::in_ellipsoid;

struct Problem {
  Grid g;
  Vec3d h{1, 1, 1};
  Vec3d b{0, 0, 1};
  std::vector<float> chi, field;
  std::vector<std::uint8_t> mask;
};

Problem two_bodies(ThisDevice const& device, Grid g, Vec3d h = {1, 1, 1}, Vec3d b = {0, 0, 1}) {
  Problem p{.g = g, .h = h, .b = b, .chi = {}, .field = {}, .mask = {}};
  p.chi = test::volume(g, [=](Index3 i) {
    return 0.2 * in_ellipsoid(i, g.nx * 0.4, g.ny * 0.5, g.nz * 0.45, 4, 5, 4) -
           0.1 * in_ellipsoid(i, g.nx * 0.65, g.ny * 0.4, g.nz * 0.55, 3, 3, 5);
  });
  p.mask = test::volume<std::uint8_t>(g, [=](Index3 i) {
    return in_ellipsoid(i, g.nx * 0.5, g.ny * 0.5, g.nz * 0.5, g.nx * 0.4, g.ny * 0.4, g.nz * 0.4);
  });
  Buffer<ThisDevice, float> const chi(device, g, p.chi);
  Buffer<ThisDevice, float> field(device, g);
  apply_dipole(device, h, b, chi.view(), field.field());
  p.field = field.to_host();
  return p;
}

struct Outcome {
  std::vector<float> chi;
  InversionReport report;
};

Outcome run(ThisDevice const& device, Problem const& p, double phase_scale,
            VariationalOptions const& options, std::vector<float> const& weight = {}) {
  Buffer<ThisDevice, float> const field(device, p.g, p.field);
  Buffer<ThisDevice, std::uint8_t> const mask(device, p.g, p.mask);
  Buffer<ThisDevice, float> w;
  if (!weight.empty()) w = {device, p.g, weight};
  Buffer<ThisDevice, float> chi(device, p.g);
  auto report = invert_variational(device, p.h, p.b, phase_scale, field.view(), mask.view(),
                                   w.view(), options, chi.field(), {});
  return {chi.to_host(), report};
}

double error_in_mask(Problem const& p, std::vector<float> const& chi) {
  double mean = 0, count = 0, error = 0, size = 0;
  for (std::size_t n = 0; n < chi.size(); ++n)
    if (p.mask[n]) {
      mean += static_cast<double>(chi[n] - p.chi[n]);
      ++count;
    }
  for (std::size_t n = 0; n < chi.size(); ++n)
    if (p.mask[n]) {
      error += std::pow(static_cast<double>(chi[n] - p.chi[n]) - mean / count, 2);
      size += std::pow(static_cast<double>(p.chi[n]), 2);
    }
  return std::sqrt(error / size);
}

TEST_F(VariationalTest, NoFieldGivesNoSusceptibility) {
  Problem p = two_bodies(device(), {24, 20, 18});
  p.field.assign(p.field.size(), 0);

  auto const outcome = run(device(), p, 10, {});

  EXPECT_TRUE(outcome.report.converged);
  for (float const v : outcome.chi) EXPECT_EQ(v, 0);
}

TEST_F(VariationalTest, RecoversTwoBodiesForAnyDirectionSizeAndVoxel) {
  for (auto const& [g, h, b] :
       {std::tuple{Grid{40, 36, 32}, Vec3d{1, 1, 1}, Vec3d{0, 0, 1}},
        std::tuple{Grid{41, 37, 33}, Vec3d{1, 1, 1}, Vec3d{0.2, 0.3, 0.933}},
        std::tuple{Grid{40, 37, 32}, Vec3d{1, 1, 1.6}, Vec3d{-0.3, 0.1, 2}}}) {
    Problem const p = two_bodies(device(), g, h, b);

    auto const outcome =
        run(device(), p, 8, {.alpha = 2e-4, .max_iterations = 200, .pad_voxels = 0});

    EXPECT_LT(error_in_mask(p, outcome.chi), 0.15) << g.nx << " voxels";
    for (std::size_t n = 0; n < outcome.chi.size(); ++n) {
      if (p.mask[n]) continue;
      EXPECT_EQ(outcome.chi[n], 0);
    }
  }
}

TEST_F(VariationalTest, LinearModeScalesWithFieldAndAlpha) {
  Problem p = two_bodies(device(), {24, 22, 20});
  VariationalOptions options{.alpha = 1e-3,
                             .mu1 = 0.05,
                             .max_iterations = 30,
                             .tolerance = 0,
                             .linear_iterations = 30,
                             .phase_limit = 0};
  auto const once = run(device(), p, 5, options);
  for (float& v : p.field) v *= 4;
  options.alpha *= 4;

  auto const four_times = run(device(), p, 5, options);

  auto expected = once.chi;
  for (float& v : expected) v *= 4;
  EXPECT_LT(test::relative_difference(four_times.chi, expected), 1e-5);
}

// The virtual echo time is no parameter of the map: alpha and the penalties go with it.
TEST_F(VariationalTest, PhaseScaleDoesNotMatter) {
  Problem const p = two_bodies(device(), {32, 30, 28});
  for (auto const prior : {Prior::kTv, Prior::kWeakHarmonic}) {
    VariationalOptions const options{.prior = prior};
    auto const short_echo = run(device(), p, 3.2, options);  // 4 ms at 3 T
    auto const long_echo = run(device(), p, 47, options);    // 25 ms at 7 T

    EXPECT_LT(test::relative_difference(long_echo.chi, short_echo.chi), 0.01);
  }
}

TEST_F(VariationalTest, CosineAndQuadraticMisfitAgreeForSmallPhase) {
  Problem const p = two_bodies(device(), {24, 22, 20});
  VariationalOptions options{.alpha = 1e-4, .max_iterations = 50, .tolerance = 0};
  double const phase_scale = 1.5;  // |phi| < 0.15
  auto const nonlinear = run(device(), p, phase_scale, options);
  options.linear_iterations = 50;

  auto const linear = run(device(), p, phase_scale, options);

  EXPECT_LT(test::relative_difference(nonlinear.chi, linear.chi), 1e-3);
}

// At the minimum r = -D (W sin(D x - phi)) is a subgradient of alpha |grad x|_1:
//   <r, x> = alpha |grad x|_1   and   |<r, v>| <= alpha |grad v|_1 for every v.
TEST_F(VariationalTest, ConvergesToAPointWhereTheOptimalityConditionsHold) {
  Problem p = two_bodies(device(), {18, 17, 16}, {1, 1, 1}, {0.3, 0.1, 0.9});
  p.mask.assign(p.mask.size(), 1);
  auto const jitter = test::noise(p.g, 8);
  for (std::size_t n = 0; n < jitter.size(); ++n) p.field[n] += 0.004f * jitter[n];
  double const c = 10, alpha = 5e-3;

  auto const outcome = run(device(), p, c,
                           {.alpha = alpha,
                            .mu1 = 0.1,
                            .max_iterations = 1500,
                            .tolerance = 1e-7,
                            .pad_voxels = 0,
                            .phase_limit = 0});

  auto const apply = [&](std::vector<float> const& v) {
    Buffer<ThisDevice, float> const in(device(), p.g, v);
    Buffer<ThisDevice, float> out(device(), p.g);
    apply_dipole(device(), p.h, p.b, in.view(), out.field());
    return out.to_host();
  };
  auto const variation = [&](std::vector<float> v) {
    double sum = 0;
    Field<float const> const f{v.data(), p.g};
    for (std::size_t n = 0; n < v.size(); ++n)
      for (int axis : {0, 1, 2})
        sum += std::abs(static_cast<double>(forward_difference(f, p.g.index(n), axis, 1)));
    return sum;
  };
  auto x = outcome.chi;
  for (float& v : x) v *= static_cast<float>(c);
  auto residual = apply(x);
  for (std::size_t n = 0; n < x.size(); ++n)
    residual[n] = -0.999f * std::sin(residual[n] - static_cast<float>(c) * p.field[n]);
  auto const r = apply(residual);
  EXPECT_NEAR(test::dot(r, x) / (alpha * variation(x)), 1, 5e-3);
  for (unsigned seed = 1; seed < 6; ++seed) {
    auto const v = test::noise(p.g, seed);
    EXPECT_LE(std::abs(test::dot(r, v)), alpha * variation(v) * 1.001);
  }
  EXPECT_LE(std::abs(test::dot(r, p.chi)), alpha * variation(p.chi) * 1.001);
}

// A voxel whose phase is off by pi pulls with at most W in the cosine, and with W pi in the square.
// Without warm start, which would fit the voxel before the cosine can reject it. Measured: 0.044
// (0.024 without that voxel) against 0.337.
TEST_F(VariationalTest, OneWrongVoxelHurtsLessThanInTheQuadraticModel) {
  Problem p = two_bodies(device(), {32, 30, 28});
  double const c = 8;
  p.field[p.g.linear({16, 15, 14})] += static_cast<float>(std::numbers::pi / c);
  VariationalOptions options{
      .alpha = 2e-3, .max_iterations = 100, .linear_iterations = 0, .phase_limit = 0};
  auto const nonlinear = run(device(), p, c, options);
  options.linear_iterations = 100;

  auto const linear = run(device(), p, c, options);

  EXPECT_LT(error_in_mask(p, nonlinear.chi), 0.2 * error_in_mask(p, linear.chi));
}

TEST_F(VariationalTest, SurvivesFullWeightAndLargePhase) {
  Problem p = two_bodies(device(), {24, 22, 20});
  for (float& v : p.field) v *= 40;  // far beyond pi
  auto const outcome = run(device(), p, 20, {.max_iterations = 60, .phase_limit = 0});
  for (float const v : outcome.chi) ASSERT_TRUE(std::isfinite(v));
}

TEST_F(VariationalTest, IgnoresVoxelsThatAreNotNumbers) {
  Problem p = two_bodies(device(), {24, 22, 20});
  auto weight = std::vector<float>(p.g.size(), 0.8f);
  p.field[p.g.linear({12, 11, 10})] = std::numeric_limits<float>::quiet_NaN();
  p.field[p.g.linear({11, 11, 10})] = std::numeric_limits<float>::infinity();
  weight[p.g.linear({10, 11, 10})] = std::numeric_limits<float>::quiet_NaN();
  weight[p.g.linear({9, 11, 10})] = -1;

  auto const outcome = run(device(), p, 8, {.alpha = 2e-4, .max_iterations = 100}, weight);

  EXPECT_LT(error_in_mask(p, outcome.chi), 0.3);
}

TEST_F(VariationalTest, SaysWhyItCannotRun) {
  Problem p = two_bodies(device(), {12, 10, 8});
  auto const reason = [&](VariationalOptions const& options, double phase_scale = 8) {
    try {
      run(device(), p, phase_scale, options);
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string("no error");
  };
  EXPECT_EQ(reason({.alpha = -1}), "INVALID_OPTION");
  EXPECT_EQ(reason({.mu2 = -1}), "INVALID_OPTION");
  EXPECT_EQ(reason({.max_iterations = -1}), "INVALID_OPTION");
  EXPECT_EQ(reason({.tolerance = NAN}), "INVALID_OPTION");
  EXPECT_EQ(reason({.linear_iterations = -1}), "INVALID_OPTION");
  EXPECT_EQ(reason({.pad_voxels = -2}), "INVALID_OPTION");
  EXPECT_EQ(reason({.phase_limit = -3}), "INVALID_OPTION");
  EXPECT_EQ(reason({.phase_limit = NAN}), "INVALID_OPTION");
  EXPECT_EQ(reason({}, 0), "INVALID_OPTION");
  p.b = {0, 0, 0};
  EXPECT_EQ(reason({}), "INVALID_B0_DIRECTION");
  p.mask.assign(p.mask.size(), 0);
  EXPECT_EQ(reason({}), "EMPTY_MASK");
}

TEST_F(VariationalTest, StopsWhenAskedTo) {
  Problem const p = two_bodies(device(), {24, 22, 20});
  Buffer<ThisDevice, float> const field(device(), p.g, p.field);
  Buffer<ThisDevice, std::uint8_t> const mask(device(), p.g, p.mask);
  Buffer<ThisDevice, float> chi(device(), p.g);
  std::stop_source source;
  int seen = 0;
  Control const control{.stop = source.get_token(), .on_iteration = [&](IterationProgress at) {
                          seen = at.iteration;
                          if (seen == 3) source.request_stop();
                        }};
  try {
    invert_variational(device(), p.h, p.b, 8, field.view(), mask.view(), {}, {}, chi.field(),
                       control);
    FAIL() << "it was not cancelled";
  } catch (Error const& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCancelled);
  }
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace qsm
