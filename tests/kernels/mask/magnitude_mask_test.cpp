#include "mask/magnitude_mask.hpp"

#include <cmath>
#include <random>

#include "device/buffer.hpp"
#include "kernels/mask/masks.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using Values = std::vector<float>;
using Mask = std::vector<std::uint8_t>;

class MagnitudeMaskTest : public test::DeviceTest {
 protected:
  Mask run(Grid g, Values const& magnitude, Vec3d voxel_mm, MaskOptions const& options = {}) {
    Buffer<ThisDevice, float> const in(device(), g, magnitude);
    Buffer<ThisDevice, std::uint8_t> out(device(), g);
    std::size_t const count = magnitude_mask(device(), in.view(), voxel_mm, options, out.field());
    Mask const mask = out.to_host();
    EXPECT_EQ(count, static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1)));
    return mask;
  }
};

/// Rician noise of `sigma` on a value.
float noisy(double value, double sigma, std::mt19937& random) {
  std::normal_distribution<double> normal(0, sigma);
  return static_cast<float>(std::hypot(value + normal(random), normal(random)));
}

double radius_mm(Grid g, Index3 i, Vec3d h) {
  return std::hypot((i.x - 0.5 * g.nx) * h.x, (i.y - 0.5 * g.ny) * h.y, (i.z - 0.5 * g.nz) * h.z);
}

TEST_F(MagnitudeMaskTest, FindsABallInNoiseWhateverTheUnit) {
  Grid const g{61, 57, 25};
  Vec3d const h{1, 1, 2.5};
  for (double const unit : {1e-6, 1.0, 1e5}) {
    std::mt19937 random(3);
    Values magnitude(g.size());
    Mask truth(g.size());
    for (std::size_t n = 0; n < g.size(); ++n) {
      Index3 const i = g.index(n);
      double const r = radius_mm(g, i, h);
      truth[n] = r < 24;
      bool const vein = truth[n] && i.x == 30 && i.y % 9 == 0;  // dark, thin
      double const shade = 1 - 0.01 * r;
      magnitude[n] = noisy(unit * (truth[n] && !vein ? shade : 0.0), 0.03 * unit, random);
    }
    magnitude[7] = NAN;
    magnitude[8] = INFINITY;

    EXPECT_GT(test::dice(run(g, magnitude, h), truth), 0.97) << unit;
  }
}

TEST_F(MagnitudeMaskTest, KeepsOnePieceWithoutHoles) {
  Grid const g{60, 40, 40};
  std::mt19937 random(3);
  Values magnitude(g.size());
  auto const ball = [](Index3 i, int x, double r) {
    return std::hypot(i.x - x, i.y - 20, i.z - 20) < r;
  };
  for (std::size_t n = 0; n < g.size(); ++n) {
    Index3 const i = g.index(n);
    double const signal = (ball(i, 20, 16) && !ball(i, 20, 5)) || ball(i, 48, 6);
    magnitude[n] = noisy(signal, 0.02, random);
  }

  Mask const mask = run(g, magnitude, {1, 1, 1});
  Mask const eroded = run(g, magnitude, {1, 1, 1}, {.erode_mm = 3});

  EXPECT_EQ(mask[g.linear({20, 20, 20})], 1);
  EXPECT_EQ(mask[g.linear({48, 20, 20})], 0);
  EXPECT_EQ(eroded[g.linear({6, 20, 20})], 0);
  EXPECT_EQ(eroded[g.linear({9, 20, 20})], 1);
}

// Brain, dark skull with bridges of vessels, bright scalp.
TEST_F(MagnitudeMaskTest, OpeningPartsBrainFromScalp) {
  Grid const g{90, 90, 90};
  Vec3d const h{2, 2, 2};
  std::mt19937 random(3);
  Values magnitude(g.size());
  Mask brain(g.size()), head(g.size());
  for (std::size_t n = 0; n < g.size(); ++n) {
    Index3 const i = g.index(n);
    double const r = radius_mm(g, i, h);
    brain[n] = r < 65;
    head[n] = r < 84;
    bool const scalp = r > 74 && r < 84;
    bool const bridge = r < 84 && i.y % 15 < 3 && i.z % 15 < 3;
    magnitude[n] = noisy(brain[n] || scalp || bridge ? 1.0 : 0.05, 0.02, random);
  }

  EXPECT_GT(test::dice(run(g, magnitude, h, {.opening_mm = 4}), brain), 0.98);
  EXPECT_GT(test::dice(run(g, magnitude, h, {.opening_mm = 0}), head),
            0.85);  // less the skull where it is open
}

TEST_F(MagnitudeMaskTest, NamesWhatIsWrong) {
  Grid const g{12, 11, 10};
  auto const reason = [&](Values const& magnitude, MaskOptions const& options) {
    try {
      run(g, magnitude, {1, 1, 1}, options);
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };
  EXPECT_EQ(reason(Values(g.size(), 0), {}), "EMPTY_MASK");
  EXPECT_EQ(reason(Values(g.size(), NAN), {}), "EMPTY_MASK");
  EXPECT_EQ(reason(Values(g.size(), 1), {.erode_mm = 20}), "EMPTY_MASK");
  EXPECT_EQ(reason(Values(g.size(), 1), {.threshold_factor = -1}), "OPTION_OUT_OF_RANGE");
  EXPECT_EQ(reason(Values(g.size(), 1), {}), "");
}

}  // namespace
}  // namespace qsm
