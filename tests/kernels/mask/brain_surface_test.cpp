#include "mask/brain_surface.hpp"

#include <cmath>
#include <random>

#include "device/buffer.hpp"
#include "kernels/mask/masks.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using Values = std::vector<float>;
using Mask = std::vector<std::uint8_t>;

struct Scene {
  Grid grid;
  Vec3d voxel_mm;
  Values magnitude;
  Mask truth;
};

/// A brain of semi-axes 55 x 65 x 50 mm, brighter towards one side; dark bone of 6 mm, bright scalp
/// of 5 mm; Rician noise.
Scene ellipsoid(Grid g, Vec3d h, Vec3d centre_mm, bool scalp = true) {
  Scene s{g, h, Values(g.size()), Mask(g.size())};
  std::mt19937 random(3);
  std::normal_distribution<double> normal(0, 0.03);
  for (std::size_t n = 0; n < g.size(); ++n) {
    Index3 const i = g.index(n);
    Vec3d const d = Vec3d{i.x * h.x, i.y * h.y, i.z * h.z} - centre_mm;
    auto const inside = [&](double more) {
      return std::hypot(d.x / (55 + more), d.y / (65 + more), d.z / (50 + more)) < 1;
    };
    s.truth[n] = inside(0);
    double const tissue = inside(0) ? 1 : scalp && inside(11) && !inside(6) ? 1.3 : 0;
    double const shade = 1 + 0.005 * d.x;
    s.magnitude[n] =
        static_cast<float>(std::hypot(tissue * shade + normal(random), normal(random)));
  }
  return s;
}

class BrainSurfaceTest : public test::DeviceTest {
 protected:
  Mask run(Scene const& s, MaskOptions const& options = {}) {
    Buffer<ThisDevice, float> const in(device(), s.grid, s.magnitude);
    Buffer<ThisDevice, std::uint8_t> out(device(), s.grid);
    auto const count = brain_mask(device(), in.view(), s.voxel_mm, options, out.field());
    Mask const mask = out.to_host();
    EXPECT_EQ(count, static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1)));
    return mask;
  }
  std::string reason(Scene const& s, MaskOptions const& options = {}) {
    try {
      run(s, options);
    } catch (Error const& e) {
      return e.reason();
    }
    return "";
  }
};

TEST_F(BrainSurfaceTest, FindsAnEllipsoidInNoiseOnAnyVoxel) {
  EXPECT_GT(test::dice(run(ellipsoid({69, 81, 63}, {2, 2, 2}, {70, 79, 61}, false)),
                       ellipsoid({69, 81, 63}, {2, 2, 2}, {70, 79, 61}, false).truth),
            0.97);
  for (auto const& [g, h] :
       {std::pair{Grid{75, 83, 65}, Vec3d{2, 2, 2}}, std::pair{Grid{75, 55, 33}, Vec3d{2, 3, 4}}}) {
    Scene const s = ellipsoid(g, h, {74, 81, 64});
    double const overlap = test::dice(run(s), s.truth);
    std::printf("ellipsoid in a scalp, %g x %g x %g mm: Dice %.4f\n", h.x, h.y, h.z, overlap);
    EXPECT_GT(overlap, 0.97);
  }
}

// The brain reaches out of the volume on one side.
TEST_F(BrainSurfaceTest, FollowsABrainThroughTheBorder) {
  Scene const s = ellipsoid({75, 83, 43}, {2, 2, 2}, {74, 81, 22});

  Mask const mask = run(s);

  double const overlap = test::dice(mask, s.truth);
  std::printf("cut ellipsoid: Dice %.4f\n", overlap);
  EXPECT_GT(overlap, 0.97);
  std::size_t cut = 0, kept = 0;
  for (std::size_t n = 0; n < 75 * 83; ++n) {
    cut += s.truth[n];
    kept += s.truth[n] && mask[n];
  }
  EXPECT_GT(static_cast<double>(kept), 0.95 * static_cast<double>(cut));
}

TEST_F(BrainSurfaceTest, DependsNeitherOnTheUnitNorOnTheRun) {
  Scene s = ellipsoid({75, 83, 65}, {2, 2, 2}, {74, 81, 64});
  s.magnitude[7] = NAN;
  s.magnitude[8] = INFINITY;
  s.magnitude[9] = -1;
  Mask const mask = run(s);

  EXPECT_EQ(run(s), mask);
  for (float const unit : {0x1p-20f, 0x1p17f}) {  // powers of two: not a bit of rounding differs
    Scene scaled = s;
    for (float& v : scaled.magnitude) v *= unit;
    EXPECT_EQ(run(scaled), mask) << unit;
  }
  Scene scaled = s;
  for (float& v : scaled.magnitude) v *= 1e5f;
  EXPECT_GT(test::dice(run(scaled), mask), 0.9999);
}

TEST_F(BrainSurfaceTest, OptionsMoveTheSurface) {
  Scene const s = ellipsoid({75, 83, 65}, {2, 2, 2}, {74, 81, 64});
  auto const voxels = [&](MaskOptions const& options) {
    Mask const mask = run(s, options);
    return std::count(mask.begin(), mask.end(), 1);
  };
  auto const plain = voxels({});

  EXPECT_GT(voxels({.fractional_intensity = 0.3}), plain);
  EXPECT_LT(voxels({.fractional_intensity = 0.7}), plain);
  EXPECT_LT(voxels({.erode_mm = 3}), 0.92 * static_cast<double>(plain));
}

TEST_F(BrainSurfaceTest, NamesWhatIsWrong) {
  Scene s{{12, 11, 10}, {2, 2, 2}, Values(1320, 0), {}};
  EXPECT_EQ(reason(s), "EMPTY_MASK");
  s.magnitude.assign(1320, NAN);
  EXPECT_EQ(reason(s), "EMPTY_MASK");
  s.magnitude.assign(1320, 7);
  EXPECT_EQ(reason(s), "NO_CONTRAST");
  Scene const slice = ellipsoid({75, 83, 1}, {2, 2, 2}, {74, 81, 0});
  EXPECT_EQ(reason(slice), "NO_BRAIN");
  EXPECT_EQ(reason(s, {.fractional_intensity = 1.5}), "OPTION_OUT_OF_RANGE");
  EXPECT_EQ(reason(ellipsoid({75, 83, 65}, {2, 2, 2}, {74, 81, 64}), {.erode_mm = 50}),
            "EMPTY_MASK");
}

}  // namespace
}  // namespace qsm
