/// Closed triangle meshes, and spheres made of nearly equal triangles.
#pragma once

#include <array>
#include <vector>

#include "math/vec.hpp"

namespace qsm {

/// A closed surface. Triangles run counter-clockwise seen from outside, so that every edge is run
/// through once in each direction: a sum over the directed edges of all triangles meets every
/// neighbour of every vertex exactly once.
struct Mesh {
  std::vector<Vec3d> vertices;
  std::vector<std::array<int, 3>> triangles;  // indices of vertices
};

/// The unit sphere as an icosahedron whose triangles are cut into four `subdivisions` times:
/// 10 4^n + 2 vertices, 20 4^n triangles; 4 gives 2562 and 5120.
Mesh icosphere(int subdivisions);

}  // namespace qsm
