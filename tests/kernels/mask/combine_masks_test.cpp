#include "mask/combine_masks.hpp"

#include <cmath>

#include "device/buffer.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using Mask = std::vector<std::uint8_t>;
using Values = std::vector<float>;

Grid const kGrid{45, 41, 43};

double from_middle(Index3 i) {
  return std::hypot(i.x - 22, i.y - 20, i.z - 21);
}
Mask ball(double radius) {
  return test::volume<std::uint8_t>(kGrid, [=](Index3 i) { return from_middle(i) < radius; });
}

class CombineMasksTest : public test::DeviceTest {
 protected:
  Mask run(Mask const& brain, Mask const& signal, Values const& quality,
           CombineMasksOptions const& options = {}) {
    Buffer<ThisDevice, std::uint8_t> const b(device(), kGrid, brain);
    Buffer<ThisDevice, std::uint8_t> s;
    Buffer<ThisDevice, float> q;
    if (!signal.empty()) s = {device(), kGrid, signal};
    if (!quality.empty()) q = {device(), kGrid, quality};
    Buffer<ThisDevice, std::uint8_t> out(device(), kGrid);
    auto const count =
        combine_masks(device(), b.view(), s.view(), q.view(), {1, 1, 1}, options, out.field());
    Mask const mask = out.to_host();
    EXPECT_EQ(count, static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1)));
    return mask;
  }
  static std::uint8_t at(Mask const& m, int x, int y, int z) { return m[kGrid.linear({x, y, z})]; }
};

CombineMasksOptions const kPlain{.closing_mm = 0, .opening_mm = 0, .max_hole_fraction = 0};

TEST_F(CombineMasksTest, WithoutMorphologyItIsTheIntersection) {
  auto const quality = test::volume(kGrid, [](Index3 i) { return i.x < 30 ? 0.8 : 0.3; });
  auto const expected =
      test::volume<std::uint8_t>(kGrid, [](Index3 i) { return from_middle(i) < 14 && i.x < 30; });

  EXPECT_EQ(run(ball(17), ball(14), quality, kPlain), expected);
  EXPECT_EQ(run(ball(17), {}, {}, kPlain), ball(17));
}

TEST_F(CombineMasksTest, OpeningAndClosingAloneAreWhatTheirNamesSay) {
  Mask const brain(kGrid.size(), 1);
  // A slit one voxel wide is closed, a plate two voxels thick is opened away.
  auto const slit =
      test::volume(kGrid, [](Index3 i) { return from_middle(i) < 15 && i.x != 22 ? 1 : 0; });
  EXPECT_EQ(at(run(brain, {}, slit, {.closing_mm = 2, .opening_mm = 0}), 22, 20, 21), 1);
  auto const plate = test::volume(kGrid, [](Index3 i) {
    bool const thin = i.z == 21 || i.z == 22;
    return from_middle(i) < 10 || (thin && from_middle(i) < 19) ? 1 : 0;
  });
  Mask const opened = run(brain, {}, plate, {.closing_mm = 0, .opening_mm = 2});
  EXPECT_EQ(at(opened, 22 + 16, 20, 21), 0);
  EXPECT_EQ(at(opened, 22 + 8, 20, 21), 1);
}

// A bleed inside has bad phase and stays; the same at the rim goes; so does a separate piece.
TEST_F(CombineMasksTest, FillsWhatGoodPhaseEncloses) {
  auto const quality = test::volume(kGrid, [](Index3 i) {
    bool const bleed = std::hypot(i.x - 22, i.y - 20, i.z - 21) < 5;
    bool const rim = std::hypot(i.x - 37, i.y - 20, i.z - 21) < 7;
    bool const apart = i.x < 3 && i.y < 3;
    return apart || (from_middle(i) < 16 && !bleed && !rim) ? 0.9 : 0.25;
  });

  Mask const mask = run(Mask(kGrid.size(), 1), {}, quality);

  EXPECT_EQ(at(mask, 22, 20, 21), 1);
  EXPECT_EQ(at(mask, 36, 20, 21), 0);
  EXPECT_EQ(at(mask, 1, 1, 10), 0);
  EXPECT_EQ(at(mask, 9, 20, 21), 1);
}

TEST_F(CombineMasksTest, RefusesWhatLeavesNothing) {
  auto const reason = [&](Values const& quality) {
    try {
      run(ball(15), {}, quality);
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };
  EXPECT_EQ(reason(Values(kGrid.size(), 0.3f)), "EMPTY_MASK");
  EXPECT_EQ(reason(Values(kGrid.size(), NAN)), "EMPTY_MASK");
  EXPECT_EQ(reason(Values(kGrid.size(), INFINITY)), "EMPTY_MASK");
  EXPECT_EQ(reason(Values(kGrid.size(), 0.9f)), "");
}

}  // namespace
}  // namespace qsm
