/// Thresholded k-space division, the quick look: chi = F^-1( F(local field) / D ), where |D| below
/// the threshold t is replaced by sign(D) t (+t at D = 0). Shmueli et al. 2009 MRM 62:1510.
#pragma once

#include <cstdint>

#include "device/control.hpp"
#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

struct TkdOptions {
  double threshold = 0.15;  // in (0, 2/3); lower is sharper and streakier
  int pad_voxels = -1;      // as NltvOptions::pad_voxels
};

/// `chi_ppm`: zero outside the mask, not referenced. Values outside the mask and non-finite ones
/// are read as zero. Two real transforms, 2.5 floats per padded voxel. Throws
/// Error{kInvalidArgument}: EMPTY_MASK, INVALID_OPTION, INVALID_B0_DIRECTION.
template <class Device>
void tkd(Device const& device, Vec3d voxel_mm, Vec3d b0_direction, Field<float const> local_ppm,
         Field<std::uint8_t const> mask, TkdOptions const& options, Field<float> chi_ppm,
         Control const& control);

}  // namespace qsm
