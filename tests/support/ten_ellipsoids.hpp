/// Ten ellipsoids in an ellipsoidal brain, all in fractions of the volume's edge, so that one
/// phantom serves every size: the inversion's tests at full size and its oracle at a small one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "device/grid.hpp"
#include "math/vec.hpp"
#include "support/volume.hpp"

namespace qsm::test {

struct Ellipsoid {
  Vec3d centre;  // fraction of the edge
  Vec3d half;    // half axes, fraction of the edge
  double chi_ppm = 0;

  bool holds(Vec3d p) const {
    double const x = (p.x - centre.x) / half.x;
    double const y = (p.y - centre.y) / half.y;
    double const z = (p.z - centre.z) / half.z;
    return x * x + y * y + z * z <= 1;
  }
};

inline constexpr Ellipsoid kBrain = {{0.5, 0.5, 0.5}, {0.40, 0.44, 0.38}, 0};

/// None touches another or the brain's rim. At 96 voxels an edge all but the veins (the last two,
/// 2 to 3 voxels wide) are 5 voxels or more across.
inline constexpr std::array<Ellipsoid, 10> kTenEllipsoids = {
    {{{0.38, 0.50, 0.50}, {0.060, 0.090, 0.070}, 0.132},
     {{0.62, 0.50, 0.50}, {0.060, 0.090, 0.070}, 0.132},
     {{0.40, 0.68, 0.56}, {0.045, 0.060, 0.050}, 0.184},
     {{0.60, 0.68, 0.56}, {0.045, 0.060, 0.050}, 0.184},
     {{0.50, 0.32, 0.42}, {0.070, 0.050, 0.040}, 0.060},
     {{0.50, 0.58, 0.34}, {0.050, 0.050, 0.050}, -0.060},
     {{0.32, 0.34, 0.60}, {0.035, 0.035, 0.035}, -0.175},
     {{0.66, 0.36, 0.66}, {0.050, 0.040, 0.060}, 0.090},
     {{0.50, 0.50, 0.68}, {0.013, 0.200, 0.013}, 0.295},
     {{0.50, 0.50, 0.76}, {0.120, 0.015, 0.015}, 0.295}}};

inline double chi_at(Vec3d p) {
  for (Ellipsoid const& e : kTenEllipsoids)
    if (e.holds(p)) return e.chi_ppm;
  return 0;
}

/// Centre of a voxel as a fraction of the edges.
inline Vec3d fraction(Grid g, Index3 i) {
  return {(i.x + 0.5) / g.nx, (i.y + 0.5) / g.ny, (i.z + 0.5) / g.nz};
}

inline std::vector<float> ellipsoid_chi(Grid g) {
  return volume(g, [=](Index3 i) { return chi_at(fraction(g, i)); });
}

inline std::vector<std::uint8_t> ellipsoid_mask(Grid g) {
  return volume<std::uint8_t>(g, [=](Index3 i) { return kBrain.holds(fraction(g, i)); });
}

/// Mean of every 2x2x2 block of a volume of twice the size.
template <class Value>
std::vector<float> halved(Grid g, Value fine_value) {
  return volume(g, [=](Index3 i) {
    double sum = 0;
    for (int c = 0; c < 8; ++c)
      sum += fine_value(Index3{2 * i.x + (c & 1), 2 * i.y + (c >> 1 & 1), 2 * i.z + (c >> 2)});
    return sum / 8;
  });
}

}  // namespace qsm::test
