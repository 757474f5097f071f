#include "mask/self_intersection.hpp"

#include <algorithm>
#include <numeric>

namespace qsm {
namespace {

using Triangle = std::array<int, 3>;

struct Box {
  Vec3d low, high;
  bool meets(Box const& o) const {
    return low.x <= o.high.x && o.low.x <= high.x && low.y <= o.high.y && o.low.y <= high.y &&
           low.z <= o.high.z && o.low.z <= high.z;
  }
};

Box box_of(Vec3d a, Vec3d b, Vec3d c) {
  return {{std::min({a.x, b.x, c.x}), std::min({a.y, b.y, c.y}), std::min({a.z, b.z, c.z})},
          {std::max({a.x, b.x, c.x}), std::max({a.y, b.y, c.y}), std::max({a.z, b.z, c.z})}};
}

/// Six times the signed volume of a tetrahedron.
double volume(Vec3d a, Vec3d b, Vec3d c, Vec3d d) {
  return dot(a - d, cross(b - d, c - d));
}

class Crossings {
 public:
  explicit Crossings(Mesh const& mesh) : mesh_(mesh) {}

  bool cross(Triangle const& a, Triangle const& b) const { return runs(a, b) || runs(b, a); }

 private:
  Vec3d at(int n) const { return mesh_.vertices[static_cast<std::size_t>(n)]; }

  /// Does an edge of `a` run through `b`?
  bool runs(Triangle const& a, Triangle const& b) const {
    for (std::size_t n = 0; n < 3; ++n) {
      int const from = a[n], to = a[(n + 1) % 3];
      auto const shared = [&](int v) { return v == from || v == to; };
      if (std::any_of(b.begin(), b.end(), shared)) continue;
      Vec3d const p = at(from), q = at(to), t[3] = {at(b[0]), at(b[1]), at(b[2])};
      if (volume(p, t[0], t[1], t[2]) * volume(q, t[0], t[1], t[2]) >= 0) continue;
      double const u = volume(p, q, t[0], t[1]), v = volume(p, q, t[1], t[2]),
                   w = volume(p, q, t[2], t[0]);
      if ((u > 0 && v > 0 && w > 0) || (u < 0 && v < 0 && w < 0)) return true;
    }
    return false;
  }

  Mesh const& mesh_;
};

}  // namespace

bool self_intersects(Mesh const& mesh) {
  std::size_t const count = mesh.triangles.size();
  std::vector<Box> boxes;
  for (auto const& [a, b, c] : mesh.triangles)
    boxes.push_back(box_of(mesh.vertices[static_cast<std::size_t>(a)],
                           mesh.vertices[static_cast<std::size_t>(b)],
                           mesh.vertices[static_cast<std::size_t>(c)]));
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return boxes[a].low.x < boxes[b].low.x; });
  Crossings const crossings(mesh);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = i + 1; j < count; ++j) {
      std::size_t const a = order[i], b = order[j];
      if (boxes[b].low.x > boxes[a].high.x) break;
      if (boxes[a].meets(boxes[b]) && crossings.cross(mesh.triangles[a], mesh.triangles[b]))
        return true;
    }
  return false;
}

}  // namespace qsm
