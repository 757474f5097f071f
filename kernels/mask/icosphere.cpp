#include "mask/icosphere.hpp"

#include <algorithm>
#include <map>
#include <numbers>
#include <utility>

namespace qsm {
namespace {

bool is_edge(Vec3d a, Vec3d b) {
  return dot(a - b, a - b) < 4.5;  // edges have length 2, the next distance is 2 phi = 3.24
}

/// Vertices (0, +-1, +-phi) and their cyclic permutations; a face is any three that are pairwise
/// neighbours.
Mesh icosahedron() {
  double const phi = std::numbers::phi;
  Mesh m;
  for (double const one : {1.0, -1.0})
    for (double const p : {phi, -phi})
      for (Vec3d const v : {Vec3d{0, one, p}, Vec3d{p, 0, one}, Vec3d{one, p, 0}})
        m.vertices.push_back(v);
  for (int a = 0; a < 12; ++a)
    for (int b = a + 1; b < 12; ++b)
      for (int c = b + 1; c < 12; ++c) {
        auto const at = [&](int n) { return m.vertices[static_cast<std::size_t>(n)]; };
        if (!is_edge(at(a), at(b)) || !is_edge(at(b), at(c)) || !is_edge(at(c), at(a))) continue;
        bool const outwards = dot(at(a), cross(at(b), at(c))) > 0;
        m.triangles.push_back(outwards ? std::array{a, b, c} : std::array{a, c, b});
      }
  for (Vec3d& v : m.vertices) v = normalized(v);
  return m;
}

Mesh subdivide(Mesh m) {
  std::map<std::pair<int, int>, int> middles;
  auto const middle = [&](int a, int b) {
    auto const [at, is_new] =
        middles.try_emplace(std::minmax(a, b), static_cast<int>(m.vertices.size()));
    if (is_new)
      m.vertices.push_back(normalized(m.vertices[static_cast<std::size_t>(a)] +
                                      m.vertices[static_cast<std::size_t>(b)]));
    return at->second;
  };
  std::vector<std::array<int, 3>> quarters;
  quarters.reserve(4 * m.triangles.size());
  for (auto const [a, b, c] : m.triangles) {
    int const ab = middle(a, b), bc = middle(b, c), ca = middle(c, a);
    for (std::array const quarter : {std::array{a, ab, ca}, std::array{ab, b, bc},
                                     std::array{ca, bc, c}, std::array{ab, bc, ca}})
      quarters.push_back(quarter);
  }
  m.triangles = std::move(quarters);
  return m;
}

}  // namespace

Mesh icosphere(int subdivisions) {
  Mesh m = icosahedron();
  for (int n = 0; n < subdivisions; ++n) m = subdivide(std::move(m));
  return m;
}

}  // namespace qsm
