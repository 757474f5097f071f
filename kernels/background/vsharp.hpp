/// V-SHARP: removes the background field with spherical mean values of varying radius.
///
/// The field b of sources outside the mask is harmonic inside it, so its mean over any ball that
/// lies inside the mask is its value at the centre, and b - s_r * b = 0. With the largest ball that
/// fits around each voxel this leaves H = (delta - s_r) * l of the local field l, which is
/// deconvolved with the largest kernel.
///   Schweser et al. 2011 NeuroImage 54:2789 (SHARP); Wu et al. 2012 MRM 67:137 (variable radius).
/// With one radius r this is SHARP: M' = {distance > r} and
/// l = M' F^-1( F(M' (f - s_r * f)) / (1 - S_r) ).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "device/control.hpp"
#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

struct VsharpOptions {
  /// Ball radii, strictly decreasing [mm]; the last is what the mask loses at its rim. Empty:
  /// vsharp_radii. Larger first radii keep more of the slowly varying local field.
  std::vector<double> radii_mm;
  /// Spatial frequencies where |1 - S_1| is below this are set to zero in the deconvolution.
  double threshold = 0.40;
  /// Weights the ball so that harmonic polynomials of degree <= 3 pass exactly on anisotropic
  /// voxels.
  bool moment_match = true;
};

/// The radii used where none are given: 25, 22.5, .. down to the larger of 2 mm and the largest
/// voxel edge [mm].
inline std::vector<double> vsharp_radii(Vec3d voxel_mm) {
  double const last = std::max({voxel_mm.x, voxel_mm.y, voxel_mm.z, 2.0});
  std::vector<double> radii;
  for (double r = 25; r > last; r -= 2.5) radii.push_back(r);
  radii.push_back(last);
  return radii;
}

/// `total_ppm`: unwrapped field relative to B0; only values inside `mask` are read, and a
/// non-finite one counts as background. `local_ppm` is zero outside `eroded_mask`, which is exactly
/// the set of voxels further than the last radius from the background (the border of the volume
/// included). Progress: one report per radius.
///
/// Cost: 2 K + 3 real transforms for K radii on the mask's bounding box plus the first radius;
/// about 6 float volumes of that box. Throws Error{kInvalidArgument}: EMPTY_MASK; MASK_TOO_THIN,
/// INVALID_RADII (background/shells.hpp); INVALID_THRESHOLD.
template <class Device>
void vsharp(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
            Field<std::uint8_t const> mask, VsharpOptions const& options, Field<float> local_ppm,
            Field<std::uint8_t> eroded_mask, Control const& control);

}  // namespace qsm
