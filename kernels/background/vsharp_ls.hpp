/// V-SHARP solved consistently: the local field whose filtered values are those of the total field.
///
///   min_l  1/2 || w A (l - f) ||^2  +  1/2 lambda || l ||^2,      l = 0 outside M
///
/// A x is x minus its mean over the largest ball that fits around each voxel (vsharp_operator.hpp),
/// so A f holds nothing of the background. The direct form (vsharp.hpp) deconvolves every voxel
/// with the largest ball although each was filtered with its own, and drops the frequencies which
/// that ball nearly passes; here each voxel keeps its own ball and no frequency is dropped. This is
/// RESHARP (Sun and Wilman 2014 MRM 71:1151) with the balls of Wu et al. 2012 MRM 67:137.
/// Solved by conjugate gradients on (A^T w^2 A + lambda) l = A^T w^2 A f from l = 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "device/control.hpp"
#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

struct VsharpLsOptions {
  /// Ball radii, strictly decreasing [mm]; empty: vsharp_ls_radii.
  std::vector<double> radii_mm;
  bool moment_match = true;  // as VsharpOptions
  /// Weight of || l ||^2 against the filtered field's misfit; A passes high frequencies with
  /// gain 1.
  double lambda = 1e-2;
  int iterations = 10;
};

/// The radii used where none are given: 18, 12, 8, 5, 3 and 2 mm; voxels larger than 2 mm end the
/// list with their largest edge.
inline std::vector<double> vsharp_ls_radii(Vec3d voxel_mm) {
  double const last = std::max({voxel_mm.x, voxel_mm.y, voxel_mm.z, 2.0});
  std::vector<double> radii;
  for (double const r : {18.0, 12.0, 8.0, 5.0, 3.0})
    if (r > 1.25 * last) radii.push_back(r);
  radii.push_back(last);
  return radii;
}

/// `total_ppm`: as for vsharp(). `weight`: w, of any scale that keeps lambda's meaning (0 .. 1);
/// empty: 1. A voxel with w = 0 has no equation of its own but keeps its value in its neighbours'
/// balls, so that value must be plausible; l is defined there too. A weight that is negative or not
/// finite counts as 0.
/// `local_ppm` is zero outside `local_mask`, which is M: the mask where the field is finite.
/// Progress: one report per iteration, with the gradient's norm relative to the first.
///
/// Cost: K + (iterations + 1) (2 K + 2) real transforms for K radii on the mask's bounding box;
/// the passes of an iteration move about 38 K + 60 bytes per voxel of it. Memory: K / 2 + 7.25
/// floats per voxel of it, one more with a weight. Nothing is allocated inside an iteration.
/// Throws Error{kInvalidArgument}: EMPTY_MASK, MASK_TOO_THIN, INVALID_RADII (shells.hpp);
/// INVALID_OPTION; Error{kNotConverged, "NOT_CONVERGED"} for a field beyond the range of floats.
template <class Device>
void vsharp_ls(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
               Field<std::uint8_t const> mask, Field<float const> weight,
               VsharpLsOptions const& options, Field<float> local_ppm,
               Field<std::uint8_t> local_mask, Control const& control);

}  // namespace qsm
