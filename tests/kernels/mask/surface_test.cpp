// Icospheres, what they enclose, and whether they run through themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "mask/icosphere.hpp"
#include "mask/rasterize.hpp"
#include "mask/self_intersection.hpp"

namespace qsm {
namespace {

double area(Mesh const& m) {
  double sum = 0;
  for (auto const& t : m.triangles) {
    auto const at = [&](std::size_t c) { return m.vertices[static_cast<std::size_t>(t[c])]; };
    Vec3d const n = cross(at(1) - at(0), at(2) - at(0));
    sum += 0.5 * std::sqrt(dot(n, n));
  }
  return sum;
}

Mesh moved(Mesh m, Vec3d centre, Vec3d semi) {
  for (Vec3d& v : m.vertices) v = centre + Vec3d{semi.x * v.x, semi.y * v.y, semi.z * v.z};
  return m;
}

TEST(Icosphere, HasTheCountsAndTheTopologyOfASphere) {
  std::size_t expected[] = {12, 42, 162, 642, 2562};
  for (int n = 0; n < 5; ++n) {
    Mesh const m = icosphere(n);

    EXPECT_EQ(m.vertices.size(), expected[n]);
    std::set<std::pair<int, int>> directed;
    for (auto const& t : m.triangles)
      for (std::size_t c = 0; c < 3; ++c) directed.insert({t[c], t[(c + 1) % 3]});
    EXPECT_EQ(directed.size(), 3 * m.triangles.size()) << "an edge is run through twice";
    for (auto const& [a, b] : directed) EXPECT_TRUE(directed.contains({b, a}));
    EXPECT_EQ(m.vertices.size() + m.triangles.size(), directed.size() / 2 + 2);  // Euler
  }
}

TEST(Icosphere, LiesOnTheUnitSphereWithOutwardTriangles) {
  Mesh const m = icosphere(4);

  for (Vec3d const v : m.vertices) EXPECT_NEAR(dot(v, v), 1, 1e-14);
  for (auto const& t : m.triangles) {
    auto const at = [&](std::size_t c) { return m.vertices[static_cast<std::size_t>(t[c])]; };
    EXPECT_GT(dot(at(0), cross(at(1), at(2))), 0);
  }
}

TEST(Icosphere, AreaConvergesWithTheSquareOfTheEdge) {
  double previous = 0;
  for (int n = 1; n < 6; ++n) {
    double const missing = 1 - area(icosphere(n)) / (4 * std::numbers::pi);
    EXPECT_GT(missing, 0);
    if (n > 1) {
      EXPECT_NEAR(previous / missing, 4, 0.4) << n;
    }
    previous = missing;
  }
}

// A sphere's voxel count misses its volume by the lattice's discrepancy, far below 1 % here; the
// inscribed polyhedron by 0.25 %.
TEST(Rasterize, SpheresHaveTheirVolumeOnAnyVoxel) {
  for (Vec3d const h : {Vec3d{1, 1, 1}, Vec3d{1, 1, 3.1}, Vec3d{0.7, 2.3, 1.4}}) {
    double const r = 31.3;
    Grid const g{static_cast<int>(80 / h.x) | 1, static_cast<int>(76 / h.y) | 1,
                 static_cast<int>(84 / h.z) | 1};
    Vec3d const centre{39.7, 36.4, 41.1};

    auto const mask = rasterize(moved(icosphere(4), centre, {r, r, r}), g, h);

    auto const count = std::count(mask.begin(), mask.end(), 1);
    double const volume = static_cast<double>(count) * h.x * h.y * h.z;
    EXPECT_NEAR(volume / (4 * std::numbers::pi / 3 * r * r * r), 1, 0.01) << h.x << ' ' << h.z;
  }
}

TEST(Rasterize, CutsAtTheBorderAndIsEmptyOutside) {
  Grid const g{21, 15, 17};
  auto const all = rasterize(moved(icosphere(2), {10, 7, 8}, {60, 60, 60}), g, {1, 1, 1});
  EXPECT_EQ(std::count(all.begin(), all.end(), 1), static_cast<long>(g.size()));
  auto const none = rasterize(moved(icosphere(2), {10, 7, 60}, {20, 20, 20}), g, {1, 1, 1});
  EXPECT_EQ(std::count(none.begin(), none.end(), 1), 0);
  auto const half = rasterize(moved(icosphere(4), {-0.5, 7, 8}, {6, 6, 6}), g, {1, 1, 1});
  EXPECT_EQ(half[g.linear({0, 7, 8})], 1);
  EXPECT_EQ(half[g.linear({5, 7, 8})], 1);
  EXPECT_EQ(half[g.linear({6, 7, 8})], 0);
}

// Vertices and edges on voxel centres: lines along x that meet them must still enter and leave.
TEST(Rasterize, LinesThroughVerticesAndEdgesLeaveNoStreaks) {
  Mesh octahedron{
      {{4, 0, 0}, {-4, 0, 0}, {0, 4, 0}, {0, -4, 0}, {0, 0, 4}, {0, 0, -4}},
      {{0, 2, 4}, {2, 1, 4}, {1, 3, 4}, {3, 0, 4}, {2, 0, 5}, {1, 2, 5}, {3, 1, 5}, {0, 3, 5}}};
  Grid const g{15, 13, 11};

  auto const mask = rasterize(moved(octahedron, {7, 6, 5}, {1, 1, 1}), g, {1, 1, 1});

  for (std::size_t n = 0; n < g.size(); ++n) {
    Index3 const i = g.index(n);
    int const distance = std::abs(i.x - 7) + std::abs(i.y - 6) + std::abs(i.z - 5);
    if (distance == 4) continue;
    EXPECT_EQ(mask[n], distance < 4) << i.x << ' ' << i.y << ' ' << i.z;
  }
}

TEST(SelfIntersection, IsSeenOnlyWhereThereIsOne) {
  Mesh sphere = moved(icosphere(4), {3, 4, 5}, {60, 75, 65});
  EXPECT_FALSE(self_intersects(sphere));
  sphere.vertices[100] = sphere.vertices[100] + 4.0 * (Vec3d{3, 4, 5} - sphere.vertices[100]);
  EXPECT_TRUE(self_intersects(sphere));
}

}  // namespace
}  // namespace qsm
