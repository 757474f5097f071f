#include "math/components.hpp"

#include <queue>
#include <random>

#include "device/buffer.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using ComponentsTest = test::DeviceTest;
using Mask = std::vector<std::uint8_t>;

struct Piece {
  std::vector<std::size_t> voxels;
  bool touches_border = false;
};

/// Flood fill over voxels equal to `value`, pieces in the order of their first voxel.
std::vector<Piece> flood(Mask const& mask, Grid g, int value) {
  std::vector<Piece> pieces;
  std::vector<bool> seen(g.size());
  for (std::size_t seed = 0; seed < g.size(); ++seed) {
    if (mask[seed] != value || seen[seed]) continue;
    Piece piece;
    std::queue<std::size_t> queue;
    queue.push(seed);
    seen[seed] = true;
    for (; !queue.empty(); queue.pop()) {
      std::size_t const n = queue.front();
      piece.voxels.push_back(n);
      Index3 const i = g.index(n);
      for (Index3 const j :
           {Index3{i.x - 1, i.y, i.z}, Index3{i.x + 1, i.y, i.z}, Index3{i.x, i.y - 1, i.z},
            Index3{i.x, i.y + 1, i.z}, Index3{i.x, i.y, i.z - 1}, Index3{i.x, i.y, i.z + 1}}) {
        if (!g.contains(j)) {
          piece.touches_border = true;
          continue;
        }
        std::size_t const m = g.linear(j);
        if (mask[m] != value || seen[m]) continue;
        seen[m] = true;
        queue.push(m);
      }
    }
    pieces.push_back(piece);
  }
  return pieces;
}

Mask random_mask(Grid g, double share, unsigned seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution inside(share);
  Mask mask(g.size());
  for (auto& m : mask) m = inside(random);
  return mask;
}

TEST_F(ComponentsTest, LargestIsThatOfAFloodFill) {
  for (Grid const g : {Grid{7, 5, 6}, Grid{67, 33, 9}, Grid{1, 20, 3}, Grid{40, 1, 1}})
    for (double const share : {0.05, 0.31, 0.35, 0.6, 1.0}) {  // 0.31: percolation, long threads
      Mask const mask = random_mask(g, share, 3);
      auto const pieces = flood(mask, g, 1);
      if (pieces.empty()) continue;
      Piece const* largest = &pieces.front();
      for (auto const& p : pieces)
        if (p.voxels.size() > largest->voxels.size()) largest = &p;
      Mask expected(g.size(), 0);
      for (std::size_t n : largest->voxels) expected[n] = 1;
      Buffer<ThisDevice, std::uint8_t> volume(device(), g, mask);

      std::size_t const count = keep_largest_component(device(), volume.field());

      EXPECT_EQ(count, largest->voxels.size());
      EXPECT_EQ(volume.to_host(), expected);
    }
}

TEST_F(ComponentsTest, FillsClosedSmallHolesOnly) {
  for (Grid const g : {Grid{7, 5, 6}, Grid{67, 33, 9}})
    for (double const fraction : {0.0, 0.0005, 0.02, 1.0}) {
      Mask const mask = random_mask(g, 0.8, 5);
      Mask expected = mask;
      std::size_t filled = 0;
      for (auto const& p : flood(mask, g, 0)) {
        if (p.touches_border ||
            static_cast<double>(p.voxels.size()) > fraction * static_cast<double>(g.size()))
          continue;
        filled += p.voxels.size();
        for (std::size_t n : p.voxels) expected[n] = 1;
      }
      Buffer<ThisDevice, std::uint8_t> volume(device(), g, mask);

      EXPECT_EQ(fill_holes(device(), volume.field(), fraction), filled);

      EXPECT_EQ(volume.to_host(), expected);
    }
}

TEST_F(ComponentsTest, FollowsASpiralToItsEnd) {
  Grid const g{61, 61, 3};  // one long thread: the worst case of label propagation
  Mask mask(g.size(), 0);
  int x = 0, y = 0, dx = 1, dy = 0;
  std::size_t length = 0;
  auto const free = [&](int a, int b) {
    return !g.contains({a, b, 1}) || !mask[g.linear({a, b, 1})];
  };
  for (int turns = 0; turns < 2;) {
    mask[g.linear({x, y, 1})] = 1;
    ++length;
    bool const ahead = g.contains({x + dx, y + dy, 1}) && free(x + 2 * dx, y + 2 * dy);
    if (!ahead) {
      int const old = dx;
      dx = -dy;
      dy = old;
      ++turns;
      if (!(g.contains({x + dx, y + dy, 1}) && free(x + dx, y + dy) &&
            free(x + 2 * dx, y + 2 * dy)))
        break;
    } else {
      turns = 0;
    }
    x += dx;
    y += dy;
  }
  mask[g.linear({60, 60, 2})] = 1;  // the mask's largest index is in the thread or alone
  Buffer<ThisDevice, std::uint8_t> volume(device(), g, mask);

  EXPECT_GE(keep_largest_component(device(), volume.field()), length);
}

TEST_F(ComponentsTest, OfEqualsTheFirstIsKept) {
  Grid const g{5, 1, 1};
  Buffer<ThisDevice, std::uint8_t> volume(device(), g, Mask{0, 1, 0, 1, 0});

  EXPECT_EQ(keep_largest_component(device(), volume.field()), 1u);

  EXPECT_EQ(volume.to_host(), (Mask{0, 1, 0, 0, 0}));
}

TEST_F(ComponentsTest, EmptyMaskIsNamed) {
  Grid const g{5, 6, 7};
  Buffer<ThisDevice, std::uint8_t> volume(device(), g);
  volume.zero();

  EXPECT_EQ(fill_holes(device(), volume.field(), 1), 0u);
  try {
    keep_largest_component(device(), volume.field());
    FAIL();
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "EMPTY_MASK");
  }
}

}  // namespace
}  // namespace qsm
