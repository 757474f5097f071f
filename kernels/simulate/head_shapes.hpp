/// The shapes a head is made of. All are in nominal coordinates: LPS millimetres of a head of scale
/// 1, before the size of the individual.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

/// A rotated ellipsoid of one tissue: |R (p - centre)| < 1, the rows of R scaled by 1 / semi-axis.
struct Solid {
  Vec3 centre;
  float reach2 = 0;  // longest semi-axis squared: the cheap rejection
  Vec3 row_x, row_y, row_z;
  std::uint8_t label = 0;

  QSM_HD bool contains(Vec3 p) const {
    Vec3 const d = p - centre;
    if (dot(d, d) > reach2) return false;
    float const x = dot(row_x, d), y = dot(row_y, d), z = dot(row_z, d);
    return x * x + y * y + z * z < 1;
  }
};

/// A segment with round ends, its radius linear from one end to the other; veins are chains of
/// them.
struct Tube {
  Vec3 start, span;
  float inverse_length2 = 0;
  float radius_start = 0, radius_end = 0;
  Vec3 middle;
  float reach2 = 0;

  QSM_HD bool contains(Vec3 p) const {
    Vec3 const m = p - middle;
    if (dot(m, m) > reach2) return false;
    Vec3 const d = p - start;
    float const t = fminf(fmaxf(dot(d, span) * inverse_length2, 0), 1);
    Vec3 const off{d.x - t * span.x, d.y - t * span.y, d.z - t * span.z};
    float const radius = radius_start + t * (radius_end - radius_start);
    return dot(off, off) < radius * radius;
  }
};

/// One lobe of the brain surface: an upright ellipsoid, or a mirrored pair.
struct Lobe {
  Vec3 centre, semi;
  bool mirrored = false;

  /// Approximate signed distance k0 (k0 - 1) / k1, with k0 = |d / semi|, k1 = |d / semi^2|: exact
  /// on the surface to first order.
  QSM_HD float distance(Vec3 p) const {
    Vec3 const d{(mirrored ? fabsf(p.x) : p.x) - centre.x, p.y - centre.y, p.z - centre.z};
    Vec3 const u{d.x / semi.x, d.y / semi.y, d.z / semi.z};
    Vec3 const w{u.x / semi.x, u.y / semi.y, u.z / semi.z};
    float const k0 = sqrtf(dot(u, u)), k1 = sqrtf(dot(w, w));
    return k1 > 0 ? k0 * (k0 - 1) / k1 : -fminf(semi.x, fminf(semi.y, semi.z));
  }
};

/// Signed distances [mm], negative inside.
struct BrainDistance {
  float surface = 0;  // of the whole brain: the inner table of the skull
  float cerebrum = 0, cerebellum = 0, stem = 0;
};

/// Depth below fluid [mm], negative within it, and the thickness of the cortex that lines it.
struct Fold {
  float fluid = 0;
  float cortex_mm = 0;
};

/// sin(x) cos(y) + sin(y) cos(z) + sin(z) cos(x): its zero set is one curved sheet through space,
/// two leaves per period, as sulci are between gyri.
QSM_HD float gyroid(Vec3 p, float period, Vec3 phase) {
  float const k = 2 * std::numbers::pi_v<float> / period;
  float const x = k * p.x + phase.x, y = k * p.y + phase.y, z = k * p.z + phase.z;
  return sinf(x) * cosf(y) + sinf(y) * cosf(z) + sinf(z) * cosf(x);
}

/// Distance to the gyroid's sheet [mm], from its value and a typical slope of 1.4 / period.
QSM_HD float sheet_distance(Vec3 p, float period, Vec3 phase) {
  return fabsf(gyroid(p, period, phase)) * period / (1.4f * 2 * std::numbers::pi_v<float>);
}

QSM_HD float smooth_union(float a, float b, float blend) {
  float const h = fmaxf(blend - fabsf(a - b), 0) / blend;
  return fminf(a, b) - h * h * blend / 4;
}

/// The individual: size, outline and folding.
struct Anatomy {
  Vec3 size{1, 1, 1};  // scale x individual stretch
  Lobe cerebrum{{0, 0, 14}, {61, 77, 48}};
  Lobe temporal{{38, -6, -20}, {23, 40, 21}, true};
  Lobe cerebellum{{19, 40, -36}, {30, 31, 21}, true};
  Lobe stem{{0, 17, -48}, {15, 14, 34}};
  float bone_mm = 6, scalp_mm = 5, sinus_wall_mm = 1.2f;
  float fold_period_mm = 34;
  Vec3 fold_phase, warp_phase, texture_phase;

  QSM_HD Vec3 to_nominal(Vec3 lps) const {
    return {lps.x / size.x, lps.y / size.y, lps.z / size.z};
  }

  QSM_HD BrainDistance brain_distance(Vec3 p) const {
    BrainDistance d;
    d.cerebrum = smooth_union(cerebrum.distance(p), temporal.distance(p), 10);
    d.cerebellum = cerebellum.distance(p);
    d.stem = stem.distance(p);
    d.surface = smooth_union(smooth_union(d.cerebrum, d.cerebellum, 4), d.stem, 6);
    return d;
  }

  QSM_HD Fold folding(Vec3 p, BrainDistance d) const {
    float const rim = -d.surface - 1.6f;
    // Where cerebrum and cerebellum meet runs the tentorium, with fluid on both sides.
    float const tentorium = fabsf(d.cerebellum - d.cerebrum) / 2 - 0.8f;
    bool const of_stem = d.stem < -1 && d.stem < d.cerebellum;
    if (of_stem && p.z < -8) return {fminf(rim, -d.stem - 0.6f), 0};
    if (d.cerebellum < d.cerebrum) {
      float const folia = sheet_distance({p.x / 3, p.y / 2, p.z}, 8, fold_phase);
      float const deep = fmaxf(-d.cerebellum - 9, 0);
      return {fminf(fminf(rim, tentorium), sqrtf(folia * folia + deep * deep) - 0.3f), 1.3f};
    }
    Vec3 const warped{p.x + 4 * sinf(p.y / 11 + warp_phase.x),
                      p.y + 4 * sinf(p.z / 9 + warp_phase.y),
                      p.z + 4 * sinf(p.x / 10 + warp_phase.z)};
    float const sulcus = sheet_distance(warped, fold_period_mm, fold_phase);
    float const deep = fmaxf(-d.surface - 15, 0);
    float const sulci = sqrtf(sulcus * sulcus + deep * deep) - 0.9f;
    // Between the hemispheres, outside the corpus callosum.
    float const cy = (p.y - 2) / 46, cz = (p.z + 4) / 31;
    float const below = fmaxf(1 - sqrtf(cy * cy + cz * cz), 0) * 35;
    float const across = p.x - 1.2f * sinf(p.y / 17 + warp_phase.y);
    float const midline = sqrtf(across * across + below * below) - 0.9f;
    return {fminf(fminf(rim, tentorium), fminf(sulci, midline)), 2.8f};
  }

  /// Smooth, between -1 and 1, over about 2 cm.
  QSM_HD float texture(Vec3 p) const { return 0.5f * gyroid(p, 40, texture_phase) / 1.5f; }
};

}  // namespace qsm
