// Distances, components and the magnitude mask against exhaustive search.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/oracle/compare.hpp"
#include "mask/magnitude_mask.hpp"
#include "math/components.hpp"
#include "math/distance_transform.hpp"
#include "support/oracle_mask.hpp"

namespace qsm {
namespace {

using MaskOracle = test::DeviceTest;
using test::download;
using test::upload;

struct Case {
  oracle::Size size;
  oracle::Vector voxel_mm;
};
Case const kCases[] = {{{7, 5, 6}, {1, 1, 1}},
                       {{12, 9, 10}, {0.8, 1.1, 2}},
                       {{10, 11, 8}, {1, 1, 1}},
                       {{5, 1, 9}, {3, 1, 0.5}}};

/// A share of random voxels: many small components and holes.
oracle::Mask sprinkled(oracle::Size s, double limit, unsigned seed) {
  auto const x = oracle::random_volume(s, seed);
  oracle::Mask m(s);
  for (std::size_t n = 0; n < m.data.size(); ++n) m.data[n] = x.data[n] < limit;
  return m;
}

std::vector<oracle::Mask> masks(oracle::Size s) {
  return {oracle::ellipsoid(s, {{s.nx / 2, s.ny / 2, s.nz / 2}, {1, 0, 1}}), sprinkled(s, 1.2, 1),
          sprinkled(s, 0.0, 2), oracle::Mask(s, 1), oracle::Mask(s)};
}

// Squared distances are sums of few products in double, the result one rounding to float.
TEST_F(MaskOracle, DistancesAreThoseOfExhaustiveSearch) {
  for (Case const& c : kCases)
    for (auto const& mask : masks(c.size)) {
      auto const expected = oracle::distance_to_background(mask, c.voxel_mm, true);
      auto const m = upload(device(), mask);
      Buffer<ThisDevice, float> out(device(), m.grid());

      distance_to_background(device(), m.view(), test::vec(c.voxel_mm), out.field());

      auto const distance = download(out);
      for (std::size_t n = 0; n < expected.data.size(); ++n)
        EXPECT_NEAR(distance.data[n], expected.data[n], 1e-6 * expected.data[n]);
    }
}

TEST_F(MaskOracle, ErosionAndDilationAreThresholdsOfTheDistance) {
  for (Case const& c : kCases)
    for (auto const& mask : masks(c.size))
      for (double const radius : {0.9, 1.0, 2.2, 3.0}) {
        auto const m = upload(device(), mask);
        Buffer<ThisDevice, std::uint8_t> out(device(), m.grid());

        erode(device(), m.view(), test::vec(c.voxel_mm), radius, out.field());
        EXPECT_EQ(test::differing(download(out), oracle::erode(mask, c.voxel_mm, radius)), 0U);
        dilate(device(), m.view(), test::vec(c.voxel_mm), radius, out.field());
        EXPECT_EQ(test::differing(download(out), oracle::dilate(mask, c.voxel_mm, radius)), 0U);
      }
}

TEST_F(MaskOracle, LargestComponentAndHolesAreThoseOfFloodFill) {
  for (Case const& c : kCases)
    for (double const limit : {-1.0, -0.4, 0.0, 0.5, 1.0, 1.6})
      for (unsigned seed : {1U, 2U, 3U}) {
        auto const mask = sprinkled(c.size, limit, seed);
        if (std::count(mask.data.begin(), mask.data.end(), 1) == 0) continue;
        auto const largest = oracle::largest_component(mask);
        auto m = upload(device(), mask);
        EXPECT_EQ(
            keep_largest_component(device(), m.field()),
            static_cast<std::size_t>(std::count(largest.data.begin(), largest.data.end(), 1)));
        EXPECT_EQ(test::differing(download(m), largest), 0U) << limit << ' ' << seed;

        for (std::size_t const voxels : {0U, 1U, 3U, 40U}) {
          auto const filled = oracle::fill_holes(mask, voxels, true);
          m = upload(device(), mask);
          double const fraction =
              (static_cast<double>(voxels) + 0.5) / static_cast<double>(mask.data.size());
          fill_holes(device(), m.field(), fraction);
          EXPECT_EQ(test::differing(download(m), filled), 0U) << limit << ' ' << voxels;
        }
      }
}

/// Two bright balls joined by a bridge, a dark hole in one, bright crumbs, weak noise; three voxels
/// of margin, within which an average of averages depends on how the border is treated.
oracle::Real magnitude(oracle::Size s, unsigned seed) {
  auto w = oracle::random_volume(s, seed);
  oracle::every_voxel(s, [&](oracle::Voxel v) {
    double const y = v.j - 0.5 * (s.ny - 1), z = v.k - 0.5 * (s.nz - 1);
    double const left = std::hypot(v.i - 7.2, y, z), right = std::hypot(v.i - 16.4, y, z);
    bool const bridge = v.i > 7 && v.i < 16 && std::abs(y) < 1.6 && std::abs(z) < 1.6;
    bool const hole = left < 1.2;
    bool const body = (left < 4.4 || right < 3.2 || bridge) && !hole;
    w.at(v) = body ? 80 + 15 * w.at(v) : 2 * std::abs(w.at(v));
  });
  w.at({3, 3, 3}) = w.at({18, 4, 11}) = 90;
  return oracle::rounded(w);
}

// Every decision compares a count of voxels with a threshold, so the masks are equal, not close.
// Flat faces produce ties (50 of 125 voxels against 0.4): a tie is not above, however sums round.
TEST_F(MaskOracle, MagnitudeMaskFollowsItsSteps) {
  oracle::Size const s = {23, 15, 16};
  oracle::MaskSteps const cases[] = {
      {},
      {.max_holes = 400},
      {.max_holes = 400, .opening_mm = 2.1},
      {.voxel_mm = {1, 1, 2}, .wide = {2, 2, 1}, .narrow = {1, 1, 1}, .max_holes = 400},
      {.voxel_mm = {3, 1, 1}, .wide = {1, 2, 2}, .narrow = {0, 1, 1}, .opening_mm = 2}};
  for (auto const& steps : cases)
    for (unsigned seed : {1U, 2U}) {
      auto const w = magnitude(s, seed);
      auto const expected = oracle::magnitude_mask(w, steps);
      auto const image = upload(device(), w);
      Buffer<ThisDevice, std::uint8_t> out(device(), image.grid());
      double const holes = steps.max_holes ? static_cast<double>(steps.max_holes) + 0.5 : 0;

      auto const count =
          magnitude_mask(device(), image.view(), test::vec(steps.voxel_mm),
                         {.max_hole_fraction = holes / static_cast<double>(w.data.size()),
                          .opening_mm = steps.opening_mm},
                         out.field());

      EXPECT_EQ(test::differing(download(out), expected), 0U) << seed;
      EXPECT_EQ(count, static_cast<std::size_t>(
                           std::count(expected.data.begin(), expected.data.end(), 1)));
    }
}

}  // namespace
}  // namespace qsm
