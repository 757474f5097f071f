#include "mask/rasterize.hpp"

#include <algorithm>
#include <cmath>

namespace qsm {
namespace {

/// Which side of the edge a -> b, seen along x, a line lies on: +1 or -1, never 0. A line that
/// meets the edge counts as one moved by (epsilon^2, epsilon) in (y, z), whichever triangle asks.
int side(Vec3d a, Vec3d b, double y, double z) {
  double const e = (b.y - a.y) * (z - a.z) - (b.z - a.z) * (y - a.y);
  if (e != 0) return e > 0 ? 1 : -1;
  if (b.y != a.y) return b.y > a.y ? 1 : -1;
  return b.z < a.z ? 1 : -1;
}

class Winding {
 public:
  Winding(Mesh const& mesh, Grid grid, Vec3d voxel_mm)
      : mesh_(mesh), grid_(grid), h_(voxel_mm), steps_(grid.size(), 0) {}

  void add(std::array<int, 3> const& t) {
    auto const at = [&](int n) { return mesh_.vertices[static_cast<std::size_t>(n)]; };
    Vec3d const a = at(t[0]), b = at(t[1]), c = at(t[2]);
    Vec3d const normal = cross(b - a, c - a);
    if (normal.x == 0) return;  // seen edge-on
    auto const [y0, y1] = std::minmax({a.y, b.y, c.y});
    auto const [z0, z1] = std::minmax({a.z, b.z, c.z});
    int const k_end = std::min(grid_.nz, first(z1, h_.z) + 1);
    int const j_end = std::min(grid_.ny, first(y1, h_.y) + 1);
    for (int k = last(z0, h_.z); k < k_end; ++k)
      for (int j = last(y0, h_.y); j < j_end; ++j) {
        double const y = j * h_.y, z = k * h_.z;
        int const turn = edge(t[0], t[1], y, z);
        if (turn != edge(t[1], t[2], y, z) || turn != edge(t[2], t[0], y, z)) continue;
        double const x = a.x - (normal.y * (y - a.y) + normal.z * (z - a.z)) / normal.x;
        int const i = first(x, h_.x);
        if (i < grid_.nx) steps_[grid_.linear({i, j, k})] += static_cast<std::int8_t>(turn);
      }
  }

  std::vector<std::uint8_t> inside() const {
    std::vector<std::uint8_t> mask(steps_.size());
    for (std::size_t row = 0; row < mask.size(); row += static_cast<std::size_t>(grid_.nx)) {
      int winding = 0;
      for (std::size_t n = row; n < row + static_cast<std::size_t>(grid_.nx); ++n) {
        winding += steps_[n];
        mask[n] = winding != 0;
      }
    }
    return mask;
  }

 private:
  /// Index, at least 0, of the first centre at or beyond a position.
  static int first(double mm, double edge_mm) {
    return static_cast<int>(std::ceil(std::max(mm / edge_mm, 0.0)));
  }

  /// Index, at least 0, of the last centre before or at a position.
  static int last(double mm, double edge_mm) {
    return static_cast<int>(std::max(mm / edge_mm, 0.0));
  }

  /// side() of the directed edge; both triangles that share it evaluate the same numbers.
  int edge(int from, int to, double y, double z) const {
    auto const& v = mesh_.vertices;
    if (from > to) return -edge(to, from, y, z);
    return side(v[static_cast<std::size_t>(from)], v[static_cast<std::size_t>(to)], y, z);
  }

  Mesh const& mesh_;
  Grid grid_;
  Vec3d h_;
  std::vector<std::int8_t> steps_;  // of the winding number, where a line along x meets it
};

}  // namespace

std::vector<std::uint8_t> rasterize(Mesh const& surface, Grid grid, Vec3d voxel_mm) {
  Winding winding(surface, grid, voxel_mm);
  for (auto const& triangle : surface.triangles) winding.add(triangle);
  return winding.inside();
}

}  // namespace qsm
