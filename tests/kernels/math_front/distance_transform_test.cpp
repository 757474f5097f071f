#include "math/distance_transform.hpp"

#include <cmath>
#include <limits>
#include <random>

#include "device/buffer.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using DistanceTransformTest = test::DeviceTest;
using Mask = std::vector<std::uint8_t>;

Mask random_mask(Grid g, double background_share) {
  std::mt19937 random(11);
  std::bernoulli_distribution background(background_share);
  Mask mask(g.size());
  for (auto& m : mask) m = background(random) ? 0 : 1;
  return mask;
}

double distance(Index3 a, Index3 b, Vec3d h) {
  return std::sqrt(std::pow((a.x - b.x) * h.x, 2) + std::pow((a.y - b.y) * h.y, 2) +
                   std::pow((a.z - b.z) * h.z, 2));
}

/// To the nearest voxel of `value`; where asked, every voxel of a shell around the volume counts.
double nearest(Mask const& mask, Grid g, Index3 from, Vec3d h, int value, bool outside_counts) {
  double best = std::numeric_limits<double>::infinity();
  for (int z = -1; z <= g.nz; ++z)
    for (int y = -1; y <= g.ny; ++y)
      for (int x = -1; x <= g.nx; ++x) {
        Index3 const i{x, y, z};
        bool const site = g.contains(i) ? mask[g.linear(i)] == value : outside_counts;
        if (site) best = std::min(best, distance(from, i, h));
      }
  return best;
}

TEST_F(DistanceTransformTest, IsExactOnAnisotropicVoxels) {
  Vec3d const h{0.7, 1.0, 2.3};
  for (Grid const g : {Grid{20, 20, 20}, Grid{7, 5, 6}, Grid{33, 1, 9}})
    for (double const share : {0.3, 0.01, 0.0}) {
      Mask const mask = random_mask(g, share);
      Buffer<ThisDevice, std::uint8_t> const in(device(), g, mask);
      Buffer<ThisDevice, float> out(device(), g);

      distance_to_background(device(), in.view(), h, out.field());

      auto const found = out.to_host();
      for (std::size_t n = 0; n < found.size(); ++n)
        ASSERT_FLOAT_EQ(found[n], static_cast<float>(nearest(mask, g, g.index(n), h, 0, true)));
    }
}

TEST_F(DistanceTransformTest, IsExactUpToWhereItMayEnd) {
  Vec3d const h{0.7, 1.0, 2.3};
  Grid const g{24, 21, 18};
  Mask mask(g.size(), 1);
  mask[g.linear({3, 4, 5})] = 0;
  Buffer<ThisDevice, std::uint8_t> const in(device(), g, mask);
  Buffer<ThisDevice, float> whole(device(), g), ended(device(), g);
  for (double const most : {2.3, 5.0}) {
    distance_to_background(device(), in.view(), h, whole.field());
    distance_to_background(device(), in.view(), h, ended.field(), most);

    auto const exact = whole.to_host(), found = ended.to_host();
    for (std::size_t n = 0; n < found.size(); ++n)
      if (static_cast<double>(exact[n]) <= most)
        ASSERT_EQ(found[n], exact[n]);
      else
        ASSERT_GT(static_cast<double>(found[n]), most);
  }
}

TEST_F(DistanceTransformTest, ErosionAndDilationAreThresholdsOfIt) {
  Vec3d const h{0.7, 1.0, 2.3};
  Grid const g{19, 17, 12};
  for (double const radius : {0.7, 2.1, 2.3, 4.0}) {
    Mask const mask = random_mask(g, 0.02);
    Mask const sparse = random_mask(g, 0.99);
    Buffer<ThisDevice, std::uint8_t> const in(device(), g, mask);
    Buffer<ThisDevice, std::uint8_t> dilated(device(), g, sparse);
    Buffer<ThisDevice, std::uint8_t> eroded(device(), g);

    erode(device(), in.view(), h, radius, eroded.field());
    dilate(device(), dilated.view(), h, radius, dilated.field());

    auto const small = eroded.to_host();
    auto const large = dilated.to_host();
    double const reach = radius * (1 + 1e-7);  // equality counts as within
    for (std::size_t n = 0; n < g.size(); ++n) {
      Index3 const i = g.index(n);
      ASSERT_EQ(small[n], nearest(mask, g, i, h, 0, true) > reach) << radius;
      ASSERT_EQ(large[n], nearest(sparse, g, i, h, 1, false) <= reach) << radius;
    }
  }
}

TEST_F(DistanceTransformTest, OpeningKeepsABallAndCutsABridge) {
  Grid const g{41, 21, 21};
  Mask mask(g.size(), 0);
  auto const in_ball = [](Index3 i, int x) { return distance(i, {x, 10, 10}, {1, 1, 1}) <= 8; };
  for (std::size_t n = 0; n < g.size(); ++n) {
    Index3 const i = g.index(n);
    bool const bridge = std::abs(i.y - 10) <= 1 && std::abs(i.z - 10) <= 1;
    mask[n] = in_ball(i, 10) || in_ball(i, 30) || bridge;
  }
  Buffer<ThisDevice, std::uint8_t> volume(device(), g, mask);

  erode(device(), volume.view(), {1, 1, 1}, 3, volume.field());
  dilate(device(), volume.view(), {1, 1, 1}, 3, volume.field());

  auto const opened = volume.to_host();
  double kept = 0, all = 0;
  for (std::size_t n = 0; n < g.size(); ++n) {
    EXPECT_LE(opened[n], mask[n]);
    Index3 const i = g.index(n);
    EXPECT_FALSE(opened[n] && std::abs(i.x - 20) <= 1);  // the middle of the bridge
    all += in_ball(i, 10) || in_ball(i, 30);
    kept += opened[n];
  }
  EXPECT_GT(kept / all, 0.95);  // a digital ball loses only its tips
}

TEST_F(DistanceTransformTest, EmptyMaskGivesZeros) {
  Grid const g{5, 6, 7};
  Buffer<ThisDevice, std::uint8_t> mask(device(), g);
  mask.zero();
  Buffer<ThisDevice, float> out(device(), g);

  distance_to_background(device(), mask.view(), {1, 1, 1}, out.field());
  dilate(device(), mask.view(), {1, 1, 1}, 3, mask.field());

  for (float const d : out.to_host()) EXPECT_EQ(d, 0);
  for (int const m : mask.to_host()) EXPECT_EQ(m, 0);
}

}  // namespace
}  // namespace qsm
