#include "background/vsharp_ls.hpp"

#include <limits>

#include "background/vsharp.hpp"
#include "device/buffer.hpp"
#include "kernels/background/head.hpp"
#include "metrics/metrics.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using test::ball;
using test::Head;
using test::in_ellipsoid;
using test::largest;
using test::reason_of;

class VsharpLsTest : public test::DeviceTest {
 protected:
  struct Result {
    std::vector<float> local;
    std::vector<std::uint8_t> mask;
  };

  Result run(Head const& head, std::vector<float> const& total, VsharpLsOptions const& options,
             std::vector<float> const& weight = {}, Control const& control = {}) {
    Buffer<ThisDevice, float> const f(device(), head.g, total);
    Buffer<ThisDevice, std::uint8_t> const m(device(), head.g, head.mask);
    Buffer<ThisDevice, float> w, local(device(), head.g);
    if (!weight.empty()) w = {device(), head.g, weight};
    Buffer<ThisDevice, std::uint8_t> mask(device(), head.g);
    vsharp_ls(device(), head.h, f.view(), m.view(), w.view(), options, local.field(), mask.field(),
              control);
    return {local.to_host(), mask.to_host()};
  }
};

// A f is 1e-5 of the largest value at most (its rounding), and what solves for l amplifies by no
// more than 1 / (2 sqrt(lambda)).
TEST_F(VsharpLsTest, RemovesHarmonicPolynomialsOfDegreeThree) {
  VsharpLsOptions const options{.radii_mm = {10, 7, 5, 4}};
  for (Head const& head : {ball({49, 44, 46}, {1, 1, 1}), ball({48, 45, 24}, {1, 1, 2}),
                           ball({60, 42, 23}, {0.8, 1.1, 2.1})})
    for (auto const harmonic : test::kHarmonics) {
      auto const total = test::sampled(head, harmonic);

      auto const result = run(head, total, options);

      EXPECT_LT(largest(result.local), 1e-5 * largest(total) / (2 * std::sqrt(options.lambda)));
    }
}

TEST_F(VsharpLsTest, IsDefinedOnAllOfTheMask) {
  Head const head = ball({48, 46, 44}, {1, 1, 1});

  auto const result = run(head, test::noise(head.g, 1), {});

  EXPECT_EQ(result.mask, head.mask);
  std::size_t outside = 0, empty = 0;
  for (std::size_t n = 0; n < head.g.size(); ++n) {
    outside += !head.mask[n] && result.local[n] != 0;
    empty += head.mask[n] && result.local[n] == 0;
  }
  EXPECT_EQ(outside, 0U);
  EXPECT_EQ(empty, 0U);
}

// A local source inside, the harmonic field of others outside.
TEST_F(VsharpLsTest, KeepsTheFieldOfSourcesInside) {
  test::Sources const s = test::inner_and_outer_sources(device());

  auto const result = run(s.head, s.total, {});

  std::vector<double> const l(result.local.begin(), result.local.end());
  std::vector<double> const truth(s.local.begin(), s.local.end());
  EXPECT_GT(correlation(l, truth, result.mask), 0.97);
  EXPECT_LT(nrmse(l, truth, result.mask), 25);  // on all of the mask; the direct form: 30 inside
}

// The steps of conjugate gradients depend on the data, so a sum of two fields has the sum of two
// solutions only at convergence; a factor, and a harmonic field that the filter does not see, keep
// every step.
TEST_F(VsharpLsTest, IsLinear) {
  Head const head = ball({48, 46, 31}, {1, 1, 1.5});
  auto const f = test::noise(head.g, 7), g = test::noise(head.g, 8);
  auto const combined = [&](float a, std::vector<float> const& u, float b,
                            std::vector<float> const& v) {
    std::vector<float> sum(u.size());
    for (std::size_t n = 0; n < u.size(); ++n) sum[n] = a * u[n] + b * v[n];
    return sum;
  };
  VsharpLsOptions const few, converged{.radii_mm = {}, .lambda = 0.1, .iterations = 40};

  auto const scaled = run(head, combined(4, f, 0, g), few).local;
  EXPECT_EQ(scaled, combined(4, run(head, f, few).local, 0, g));
  auto const shifted =
      run(head, combined(1, f, 0.01f, test::sampled(head, test::kHarmonics[3])), few);
  EXPECT_LT(test::relative_difference(shifted.local, run(head, f, few).local), 2e-4);
  auto const sum = run(head, combined(1, f, -2, g), converged).local;
  EXPECT_LT(test::relative_difference(
                sum, combined(1, run(head, f, converged).local, -2, run(head, g, converged).local)),
            1e-4);
}

// Voxels without weight have no equation: whatever A f is there does not matter.
TEST_F(VsharpLsTest, AHoleInTheWeightIsNoHoleInTheMap) {
  Head const head = ball({48, 46, 44}, {1, 1, 1});
  auto const hole = [](Index3 i) { return in_ellipsoid(i, 18, 21, 22, 4, 3, 4); };
  auto const field = test::volume(head.g, [](Index3 i) {
    return std::sin(0.5 * i.x) * std::cos(0.4 * i.y) + 0.2 * std::sin(0.7 * i.z);
  });
  auto weight = test::volume(head.g, [&](Index3 i) { return hole(i) ? 0 : 1; });

  auto const all = run(head, field, {});
  auto const without = run(head, field, {}, weight);
  for (std::size_t n = 0; n < weight.size(); ++n)
    if (weight[n] == 0) weight[n] = std::numeric_limits<float>::quiet_NaN();
  auto const undefined = run(head, field, {}, weight);

  EXPECT_EQ(without.mask, head.mask);
  EXPECT_EQ(undefined.local, without.local);
  double inside = 0, changed_far = 0;
  for (std::size_t n = 0; n < weight.size(); ++n) {
    Index3 const i = head.g.index(n);
    if (hole(i)) inside = std::max(inside, std::abs(static_cast<double>(without.local[n])));
    if (!in_ellipsoid(i, 18, 21, 22, 12, 12, 12))
      changed_far = std::max(changed_far, std::abs(static_cast<double>(without.local[n]) -
                                                   static_cast<double>(all.local[n])));
  }
  EXPECT_GT(inside, 0.01);
  EXPECT_LT(changed_far, 0.1);
}

TEST_F(VsharpLsTest, WithoutAnyWeightTheFieldIsZero) {
  Head const head = ball({48, 46, 44}, {1, 1, 1});

  auto const result =
      run(head, test::noise(head.g, 9), {}, std::vector<float>(head.g.size(), 0.0f));

  EXPECT_EQ(largest(result.local), 0);
}

TEST_F(VsharpLsTest, TreatsAVoxelThatIsNotFiniteAsBackground) {
  Head const head = ball({48, 46, 44}, {1, 1, 1});
  auto total = test::noise(head.g, 2);
  std::size_t const bad = head.g.linear({22, 23, 22});
  total[bad] = std::numeric_limits<float>::quiet_NaN();

  auto const result = run(head, total, {});

  EXPECT_EQ(result.mask[bad], 0);
  EXPECT_EQ(result.mask[head.g.linear({23, 23, 22})], 1);
  for (float const v : result.local) EXPECT_TRUE(std::isfinite(v));
}

TEST_F(VsharpLsTest, ReportsEachIterationAndStopsWhenAsked) {
  Head const head = ball({48, 46, 44}, {1, 1, 1});
  auto const total = test::noise(head.g, 3);
  std::stop_source stop;
  std::vector<IterationProgress> reports;
  Control const control{.stop = stop.get_token(), .on_iteration = [&](IterationProgress p) {
                          reports.push_back(p);
                          if (p.iteration == 3) stop.request_stop();
                        }};

  EXPECT_EQ(reason_of([&] { run(head, total, {}, {}, control); }), "CANCELLED");

  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(reports[0].iteration, 1);
  EXPECT_EQ(reports[0].max_iterations, VsharpLsOptions{}.iterations);
  EXPECT_LT(reports[2].residual, reports[0].residual);
}

TEST_F(VsharpLsTest, SaysWhyItCannotRun) {
  Head head = ball({48, 46, 44}, {1, 1, 1});
  auto const total = test::noise(head.g, 3);
  auto const reason = [&](VsharpLsOptions const& options) {
    return reason_of([&] { run(head, total, options); });
  };

  EXPECT_EQ(reason({.radii_mm = {4, 8}}), "INVALID_RADII");
  EXPECT_EQ(reason({.radii_mm = {30, 25}}), "MASK_TOO_THIN");
  EXPECT_EQ(reason({.radii_mm = {}, .lambda = 0}), "INVALID_OPTION");
  EXPECT_EQ(reason({.radii_mm = {}, .iterations = 0}), "INVALID_OPTION");
  auto huge = total;
  for (float& v : huge) v *= 1e37f;
  EXPECT_EQ(reason_of([&] { run(head, huge, {}); }), "NOT_CONVERGED");
  head.mask.assign(head.mask.size(), 0);
  EXPECT_EQ(reason({}), "EMPTY_MASK");
}

TEST(VsharpLsRadii, EndAtTheLargestVoxelEdge) {
  EXPECT_EQ(vsharp_ls_radii({1, 1, 1}), (std::vector<double>{18, 12, 8, 5, 3, 2}));
  EXPECT_EQ(vsharp_ls_radii({0.5, 0.5, 3}), (std::vector<double>{18, 12, 8, 5, 3}));
  EXPECT_EQ(vsharp_ls_radii({1, 1, 4.5}), (std::vector<double>{18, 12, 8, 4.5}));
}

}  // namespace
}  // namespace qsm
