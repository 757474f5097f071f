#include "math/spherical_mean.hpp"

#include "device/buffer.hpp"
#include "device/error.hpp"
#include "math/pad.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using SphericalMeanTest = test::DeviceTest;
using WindowTest = test::DeviceTest;

struct Moments {
  double sum = 0, x2 = 0, y2 = 0, z2 = 0;
};

Moments moments(BallWeights const& ball, Vec3d h) {
  Moments m;
  for (std::size_t n = 0; n < ball.values.size(); ++n) {
    Index3 const o =
        ball.grid.index(n) - Index3{ball.grid.nx / 2, ball.grid.ny / 2, ball.grid.nz / 2};
    double const w = static_cast<double>(ball.values[n]);
    m.sum += w;
    m.x2 += w * o.x * o.x * h.x * h.x;
    m.y2 += w * o.y * o.y * h.y * h.y;
    m.z2 += w * o.z * o.z * h.z * h.z;
  }
  return m;
}

TEST(BallWeights, HaveSumOneAndEqualSecondMomentsOnAnisotropicVoxels) {
  for (Vec3d const h : {Vec3d{1, 1, 1}, Vec3d{1, 1, 2}, Vec3d{0.7, 1.1, 1.9}}) {
    auto const ball = ball_weights(h, 6, true);
    auto const m = moments(ball, h);
    EXPECT_NEAR(m.sum, 1, 1e-6);
    EXPECT_NEAR(m.x2, m.y2, 1e-5 * m.x2);
    EXPECT_NEAR(m.x2, m.z2, 1e-5 * m.x2);
    for (float const w : ball.values) EXPECT_GE(w, 0);
  }
}

TEST(BallWeights, WithoutMatchingLeakTheAxialHarmonic) {
  Vec3d const h = {1, 1, 2};
  auto const m = moments(ball_weights(h, 6, false), h);
  EXPECT_GT(std::abs(2 * m.z2 - m.x2 - m.y2), 1.0);  // mm^2
}

TEST(BallWeights, OfASingleVoxelIsTheIdentity) {
  auto const ball = ball_weights({1, 1, 4}, 0.5, true);
  ASSERT_EQ(ball.values.size(), 1u);
  EXPECT_EQ(ball.values[0], 1);
}

TEST_F(SphericalMeanTest, BallIsPlacedAroundTheOriginAndWraps) {
  Grid const g{9, 8, 7};
  auto const ball = ball_weights({1, 1, 1}, 2, true);
  Buffer<ThisDevice, float> kernel(device(), g);

  place_ball(device(), ball, kernel.field());

  auto const k = kernel.to_host();
  auto const at = [&](int x, int y, int z) { return k[g.linear({x, y, z})]; };
  EXPECT_GT(at(0, 0, 0), 0);
  EXPECT_EQ(at(2, 0, 0), at(7, 0, 0));
  EXPECT_EQ(at(0, 1, 1), at(0, 7, 6));
  EXPECT_EQ(at(3, 0, 0), 0);
  EXPECT_EQ(at(2, 1, 0), 0);
}

TEST_F(SphericalMeanTest, BallLargerThanTheGridIsRefused) {
  Buffer<ThisDevice, float> kernel(device(), {6, 6, 4});
  EXPECT_THROW(place_ball(device(), ball_weights({1, 1, 1}, 2, true), kernel.field()), Error);
}

TEST_F(WindowTest, BoundsTheMaskAndPadsToFastSizes) {
  Grid const g{20, 30, 17};
  auto const mask = test::volume<std::uint8_t>(
      g, [](Index3 i) { return i.x >= 3 && i.x <= 12 && i.y == 7 && (i.z == 0 || i.z == 16); });
  Buffer<ThisDevice, std::uint8_t> const m(device(), g, mask);

  auto const window = bounding_window(device(), m.view());
  auto const cropped = pad_for_inversion(device(), m.view(), -1);
  auto const exact = pad_for_inversion(device(), m.view(), 3);

  EXPECT_EQ(window.origin.x, 3);
  EXPECT_EQ(window.origin.y, 7);
  EXPECT_EQ(window.origin.z, 0);
  EXPECT_TRUE((window.grid == Grid{10, 1, 17}));
  EXPECT_TRUE((cropped.grid == Grid{18, 10, 30}));
  EXPECT_TRUE((exact.grid == Grid{23, 33, 20}));
  EXPECT_TRUE((exact.window.grid == g));
}

}  // namespace
}  // namespace qsm
