/// Between NIfTI affines (RAS, millimetres) and qsm.v1.Geometry (LPS): x and y change sign.
#pragma once

#include <nifti1_io.h>

#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Throws FormatError NIFTI_BAD_HEADER (not finite, zero axis), DIRECTIONS_NOT_ORTHONORMAL (axes
/// not perpendicular to 1e-3).
qsm::v1::Geometry geometry_of(mat44 const& ras, qsm::v1::Matrix const& matrix);

mat44 ras_affine(qsm::v1::Geometry const& geometry);

}  // namespace chistream
