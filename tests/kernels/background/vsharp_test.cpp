#include "background/vsharp.hpp"

#include <cmath>
#include <limits>

#include "device/buffer.hpp"
#include "kernels/background/head.hpp"
#include "metrics/metrics.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using VsharpTest = test::DeviceTest;
using test::ball;
using test::Head;
using test::in_ellipsoid;
using test::largest;
using test::reason_of;

struct Result {
  std::vector<float> local;
  std::vector<std::uint8_t> mask;
};

Result run(ThisDevice const& device, Grid g, Vec3d h, std::vector<float> const& total,
           std::vector<std::uint8_t> const& mask, VsharpOptions const& options) {
  Buffer<ThisDevice, float> const f(device, g, total);
  Buffer<ThisDevice, std::uint8_t> const m(device, g, mask);
  Buffer<ThisDevice, float> local(device, g);
  Buffer<ThisDevice, std::uint8_t> eroded(device, g);
  vsharp(device, h, f.view(), m.view(), options, local.field(), eroded.field(), {});
  return {local.to_host(), eroded.to_host()};
}

// All harmonic polynomials of degree <= 3 [mm] pass the ball means exactly, so nothing is left:
// 1e-5 of the largest value before the deconvolution, which divides by at least the threshold.
TEST_F(VsharpTest, RemovesHarmonicPolynomialsOfDegreeThree) {
  for (Head const& head : {ball({49, 44, 46}, {1, 1, 1}), ball({48, 45, 24}, {1, 1, 2}),
                           ball({60, 42, 23}, {0.8, 1.1, 2.1})}) {
    for (auto const harmonic : test::kHarmonics) {
      auto const total = test::sampled(head, harmonic);
      VsharpOptions const options{.radii_mm = {10, 8, 6, 4}, .threshold = 0.15};

      auto const result = run(device(), head.g, head.h, total, head.mask, options);

      EXPECT_LT(largest(result.local), 1e-5 * largest(total) / options.threshold);
    }
  }
}

TEST_F(VsharpTest, WithoutMomentMatchingTheAxialShimLeaks) {
  Head const head = ball({48, 45, 24}, {1, 1, 2});
  auto const total = test::volume(head.g, [&](Index3 i) {
    double const x = i.x - 24, y = i.y - 22, z = 2 * (i.z - 12);
    return 2 * z * z - x * x - y * y;
  });

  auto const plain = run(device(), head.g, head.h, total, head.mask,
                         {.radii_mm = {8, 6, 4}, .threshold = 0.15, .moment_match = false});

  EXPECT_GT(largest(plain.local), 0.3);  // mm^2
}

// The field of a dipole 40 mm from the centre, twice the mask's radius.
TEST_F(VsharpTest, RemovesTheFieldOfADistantSource) {
  Head const head = ball({48, 46, 44}, {1, 1, 1});
  auto const total = test::volume(head.g, [](Index3 i) {
    double const x = i.x - 21.6, y = i.y - 23, z = i.z - 22 - 40;
    double const r2 = x * x + y * y + z * z;
    return 1e3 * (3 * z * z / r2 - 1) / std::pow(r2, 1.5);
  });
  double size = 0;
  for (std::size_t n = 0; n < total.size(); ++n)
    if (head.mask[n]) size = std::max(size, std::abs(static_cast<double>(total[n])));

  auto const result = run(device(), head.g, head.h, total, head.mask,
                          {.radii_mm = {12, 10, 8, 6, 4, 2}, .threshold = 0.15});

  EXPECT_LT(largest(result.local), 2e-3 * size);
}

// A local source inside, the harmonic field of others outside.
TEST_F(VsharpTest, KeepsTheFieldOfSourcesInside) {
  test::Sources const s = test::inner_and_outer_sources(device());

  auto const result = run(device(), s.head.g, s.head.h, s.total, s.head.mask,
                          {.radii_mm = {18, 16, 14, 12, 10, 8, 6, 4, 2}, .threshold = 0.05});

  std::vector<double> const l(result.local.begin(), result.local.end());
  std::vector<double> const truth(s.local.begin(), s.local.end());
  EXPECT_GT(correlation(l, truth, result.mask), 0.96);
  EXPECT_LT(nrmse(l, truth, result.mask), 30);
}

TEST_F(VsharpTest, KeepsExactlyTheVoxelsDeeperThanTheLastRadius) {
  Grid const g{20, 17, 9};
  Vec3d const h = {1, 1.25, 2};
  auto mask = test::volume<std::uint8_t>(g, [](Index3 i) { return i.x > 1; });
  mask[g.linear({10, 8, 4})] = 0;  // a hole
  double const last = 3;
  auto const expected = test::volume<std::uint8_t>(g, [&](Index3 i) {
    if (!mask[g.linear(i)]) return false;
    int const rx = static_cast<int>(last / h.x), ry = static_cast<int>(last / h.y),
              rz = static_cast<int>(last / h.z);
    for (int dz = -rz; dz <= rz; ++dz)
      for (int dy = -ry; dy <= ry; ++dy)
        for (int dx = -rx; dx <= rx; ++dx) {
          if (std::hypot(dx * h.x, dy * h.y, dz * h.z) > last) continue;
          Index3 const o = {i.x + dx, i.y + dy, i.z + dz};
          if (!g.contains(o) || !mask[g.linear(o)]) return false;
        }
    return true;
  });

  auto const result =
      run(device(), g, h, test::noise(g, 1), mask, {.radii_mm = {5, 4, last}, .threshold = 0.1});

  EXPECT_EQ(result.mask, expected);
  for (std::size_t n = 0; n < g.size(); ++n) {
    if (expected[n]) continue;
    EXPECT_EQ(result.local[n], 0);
  }
}

TEST_F(VsharpTest, TreatsAVoxelThatIsNotFiniteAsBackground) {
  Head const head = ball({48, 46, 44}, {1, 1, 1});
  auto total = test::noise(head.g, 2);
  std::size_t const bad = head.g.linear({22, 23, 22});
  total[bad] = std::numeric_limits<float>::quiet_NaN();

  auto const result = run(device(), head.g, head.h, total, head.mask, {});

  EXPECT_EQ(result.mask[bad], 0);
  EXPECT_EQ(result.mask[head.g.linear({25, 23, 22})], 1);
  EXPECT_TRUE(std::isfinite(largest(result.local)));
  for (float const v : result.local) EXPECT_TRUE(std::isfinite(v));
}

TEST_F(VsharpTest, SaysWhyItCannotRun) {
  Head head = ball({48, 46, 44}, {1, 1, 1});
  auto const total = test::noise(head.g, 3);
  auto const reason = [&](VsharpOptions const& options) {
    return reason_of([&] { run(device(), head.g, head.h, total, head.mask, options); });
  };

  EXPECT_EQ(reason({.radii_mm = {4, 8}}), "INVALID_RADII");
  EXPECT_EQ(reason({.radii_mm = {4, -1}}), "INVALID_RADII");
  EXPECT_EQ(reason({.radii_mm = {30, 25}}), "MASK_TOO_THIN");
  EXPECT_EQ(reason({.radii_mm = {}, .threshold = 0}), "INVALID_THRESHOLD");
  head.mask.assign(head.mask.size(), 0);
  EXPECT_EQ(reason({}), "EMPTY_MASK");
}

TEST(VsharpRadii, EndAtTheLargestVoxelEdge) {
  EXPECT_EQ(vsharp_radii({1, 1, 1}).front(), 25);
  EXPECT_EQ(vsharp_radii({1, 1, 1}).back(), 2);
  EXPECT_EQ(vsharp_radii({0.5, 0.5, 3}).back(), 3);
}

}  // namespace
}  // namespace qsm
