// V-SHARP against direct summation over every ball.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "background/vsharp.hpp"
#include "kernels/oracle/compare.hpp"
#include "support/oracle_vsharp.hpp"

namespace qsm {
namespace {

using BackgroundOracle = test::DeviceTest;
using test::download;
using test::upload;

struct Case {
  oracle::Size size;
  oracle::Vector voxel_mm;
  std::vector<double> radii;
  double threshold = 0.15;
  bool moment_match = true;
};

/// The bounding box plus the largest radius, up to sizes of 2^a 3^b 5^c 7^d.
oracle::Size working_size(oracle::Size box, double radius, oracle::Vector voxel_mm) {
  auto const size = [&](int axis) {
    double const margin = radius / voxel_mm[static_cast<std::size_t>(axis)];
    return fast_size(box[axis] + static_cast<int>(std::ceil(margin)));
  };
  return {size(0), size(1), size(2)};
}

// Three pairs of transforms, each eps log2(N) = 8e-7 of its input, through |1 - S| <= 1.3 and then
// 1 / |1 - S| <= 1 / threshold: 3 * 2 * 8e-7 * 1.3 / 0.1 = 6e-5 of the field's norm at worst, where
// every frequency lies at the threshold; few do.
TEST_F(BackgroundOracle, VsharpIsTheSumOverEveryBall) {
  Case const cases[] = {
      {.size = {15, 14, 13}, .voxel_mm = {1, 1, 1}, .radii = {4, 3, 2}},
      {.size = {16, 17, 11}, .voxel_mm = {1, 0.9, 1.7}, .radii = {5, 4, 3, 2}},
      {.size = {16, 17, 11}, .voxel_mm = {1, 0.9, 1.7}, .radii = {5, 4, 3}, .moment_match = false},
      {.size = {13, 12, 14}, .voxel_mm = {1.2, 1.2, 1}, .radii = {9, 3.5}, .threshold = 0.1},
      {.size = {17, 15, 12}, .voxel_mm = {1, 1, 1.3}, .radii = {4}}};  // SHARP
  for (Case const& c : cases) {
    auto const working = [&](oracle::Size box, double radius) {
      return working_size(box, radius, c.voxel_mm);
    };
    auto mask = oracle::ellipsoid(c.size);
    auto field = oracle::random_volume(c.size, 3);
    oracle::every_voxel(c.size, [&](oracle::Voxel v) {
      field.at(v) += 0.05 * v.i * v.j - 0.2 * v.k + 1;  // harmonic on any spacing
    });
    field = oracle::rounded(field);
    oracle::Mask kept(c.size);
    oracle::Voxel const lost = {c.size.nx / 2, 2, c.size.nz / 2};  // not finite: background
    mask.at(lost) = 0;
    auto const expected = oracle::vsharp(field, mask, c.voxel_mm, c.radii, c.threshold,
                                         c.moment_match, working, kept);
    mask.at(lost) = 1;
    auto seen = field;
    seen.at(lost) = std::numeric_limits<double>::quiet_NaN();
    auto const f = upload(device(), seen);
    auto const m = upload(device(), mask);
    Buffer<ThisDevice, float> local(device(), f.grid());
    Buffer<ThisDevice, std::uint8_t> eroded(device(), f.grid());

    vsharp(device(), test::vec(c.voxel_mm), f.view(), m.view(),
           {.radii_mm = c.radii, .threshold = c.threshold, .moment_match = c.moment_match},
           local.field(), eroded.field(), {});

    EXPECT_EQ(test::differing(download(eroded), kept), 0U);
    auto const result = download(local);
    double error = 0, size = 0;
    for (std::size_t n = 0; n < field.data.size(); ++n) {
      error += std::norm(result.data[n] - expected.data[n]);
      size += mask.data[n] * std::norm(field.data[n]);
    }
    EXPECT_LT(std::sqrt(error / size), 6e-5) << c.radii.front() << " mm";
  }
}

}  // namespace
}  // namespace qsm
