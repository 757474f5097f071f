/// A triangle mesh that moves towards the edge of a brain (Smith 2002), and what lies inside one.
#pragma once

#include <array>
#include <vector>

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

struct Surface {
  std::vector<Vector> vertices;               // mm from the centre of voxel (0, 0, 0)
  std::vector<std::array<int, 3>> triangles;  // counter-clockwise from outside
};

struct SurfaceForces {
  Vector voxel_mm = {1, 1, 1};
  double dark = 0, threshold = 0, middle = 0, fraction = 0.5;
  double r_min = 10.0 / 3, r_max = 10;  // mm
};

/// One step: all vertices move at once by 0.5 s_t + f2 s_n + 0.05 f3 l n. The image is linear
/// between voxel centres, goes on for 10 mm beyond the border as at it, and is 0 farther out.
Surface moved(Surface const& surface, Real const& image, SurfaceForces const& forces);

/// How often the surface winds around a point: the sum of the triangles' solid angles (van Oosterom
/// and Strackee 1983) / 4 pi.
double winding_number(Surface const& surface, Vector point);

}  // namespace qsm::oracle
