#include "phase/smooth_offset.hpp"

#include <cmath>

#include "device/buffer.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

struct Fitted {
  Grid grid;
  std::vector<std::uint8_t> mask;
  std::vector<float> offset, noise, residual;

  explicit Fitted(Grid g)
      : grid(g),
        mask(g.size(), 1),
        offset(g.size(), 0.7f),
        noise(g.size(), 2.0f),
        residual(g.size(), 0.05f) {}
};

class SmoothOffsetTest : public test::DeviceTest {
 protected:
  std::vector<float> smooth(Fitted const& f, double sigma_mm, Vec3d voxel_mm = {1, 1, 1}) {
    Buffer<ThisDevice, std::uint8_t> const mask(device(), f.grid, f.mask);
    Buffer<ThisDevice, float> const offset(device(), f.grid, f.offset);
    Buffer<ThisDevice, float> const noise(device(), f.grid, f.noise);
    Buffer<ThisDevice, float> const residual(device(), f.grid, f.residual);
    Buffer<ThisDevice, float> out(device(), f.grid);
    smooth_offset(device(), voxel_mm, mask.view(), {offset.view(), noise.view(), residual.view()},
                  sigma_mm, out.field());
    return out.to_host();
  }
};

TEST_F(SmoothOffsetTest, AConstantPassesWhateverItsWeightsAndTheMaskAre) {
  Fitted f({21, 18, 15});
  for (std::size_t n = 0; n < f.noise.size(); ++n) {
    f.noise[n] = 1 + static_cast<float>(n % 7);
    f.mask[n] = n % 5 != 0;
  }

  auto const out = smooth(f, 3, {1, 1.3, 2});

  for (std::size_t n = 0; n < out.size(); ++n)
    EXPECT_NEAR(out[n], f.mask[n] ? 0.7f : 0.0f, 2e-6f) << n;
}

// The definition, summed voxel by voxel in double: G is the product of three Gaussians cut at
// three sigma.
TEST_F(SmoothOffsetTest, IsTheInverseVarianceWeightedGaussianMean) {
  Fitted f({11, 10, 9});
  auto const random = test::noise(f.grid, 3);
  for (std::size_t n = 0; n < random.size(); ++n) {
    f.offset[n] = random[n];
    f.noise[n] = 0.5f + std::fabs(random[random.size() - 1 - n]);
    f.residual[n] = n % 11 == 0 ? 0.5f : 0.1f;  // every eleventh does not lie on a line
    f.mask[n] = test::in_ellipsoid(f.grid.index(n), 5, 4.5, 4, 5, 4.5, 4);
  }
  Vec3d const h{1, 1.5, 2};
  double const sigma_mm = 2;

  auto const out = smooth(f, sigma_mm, h);

  auto const tap = [&](int d, double edge) {
    double const sigma = std::max(1.0, sigma_mm / edge);
    return std::abs(d) > std::ceil(3 * sigma) ? 0 : std::exp(-d * d / (2 * sigma * sigma));
  };
  for (std::size_t n = 0; n < out.size(); ++n) {
    if (!f.mask[n]) {
      EXPECT_EQ(out[n], 0);
      continue;
    }
    Index3 const at = f.grid.index(n);
    double numerator = 0, denominator = 0;
    for (std::size_t m = 0; m < out.size(); ++m) {
      if (!f.mask[m] || f.residual[m] >= 0.3f) continue;
      Index3 const from = f.grid.index(m);
      double const w = tap(at.x - from.x, h.x) * tap(at.y - from.y, h.y) * tap(at.z - from.z, h.z) /
                       std::pow(static_cast<double>(f.noise[m]), 2);
      numerator += w * static_cast<double>(f.offset[m]);
      denominator += w;
    }
    EXPECT_NEAR(static_cast<double>(out[n]), numerator / denominator, 1e-5) << n;
  }
}

TEST_F(SmoothOffsetTest, WhatDoesNotLieOnALineHasNoSay) {
  Fitted f({15, 15, 15});
  std::size_t const bad = f.grid.linear({7, 7, 7});
  f.offset[bad] = 100;
  f.residual[bad] = 0.31f;

  for (float const v : smooth(f, 2)) EXPECT_NEAR(v, 0.7f, 2e-6f);
}

TEST_F(SmoothOffsetTest, IsZeroAndFiniteWhereNothingIsKnown) {
  Fitted f({30, 8, 8});
  for (std::size_t n = 0; n < f.noise.size(); ++n)
    if (f.grid.index(n).x > 4) f.noise[n] = 0;  // no echo had signal

  auto const out = smooth(f, 1);

  for (std::size_t n = 0; n < out.size(); ++n) {
    ASSERT_TRUE(std::isfinite(out[n]));
    if (f.grid.index(n).x > 8) {
      EXPECT_EQ(out[n], 0);
    }
  }
}

}  // namespace
}  // namespace qsm
