/// Receive coils: small current loops facing the middle of the head.
///
///   B(r) = (3 (m.r) r - m r^2 + 2 a^2 m) / (r^2 + a^2)^(5/2),     sensitivity = Bx - i By
///
/// is curl(m x r / (r^2 + a^2)^(3/2)): free of divergence, equal to a loop of radius a on its axis
/// and to a dipole far away. By reciprocity its transverse part is what the coil receives.
/// Magnitude falls off with distance and the phase varies over space by physics, with no polynomial
/// to tune.
#pragma once

#include <vector>

#include "math/complex.hpp"
#include "math/vec.hpp"

namespace qsm {

struct Coil {
  Vec3 centre;    // LPS, mm
  Vec3 moment;    // along the loop's normal, towards the head; its length scales the sensitivity
  float radius2;  // of the loop, squared [mm^2]

  QSM_HD Complex receive(Vec3 lps_mm) const {
    float const x = lps_mm.x - centre.x, y = lps_mm.y - centre.y, z = lps_mm.z - centre.z;
    float const s = x * x + y * y + z * z + radius2;
    float const along = 3 * (moment.x * x + moment.y * y + moment.z * z);
    float const own = 3 * radius2 - s;
    float const fall = 1 / (s * s * sqrtf(s));
    return {fall * (along * x + own * moment.x), -fall * (along * y + own * moment.y)};
  }
};

/// `count` loops of equal spacing on a helmet around a head of the given scale; their root sum of
/// squares is 1 at the head's origin.
std::vector<Coil> coil_helmet(int count, double scale);

}  // namespace qsm
