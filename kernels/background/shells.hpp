/// Which ball fits around which voxel: what the direct and the least-squares V-SHARP share.
///
/// M is the mask without the voxels whose field is not finite. The ball of radius r fits around a
/// voxel exactly when the voxel is further than r from the nearest voxel outside M (the border of
/// the volume included), so no threshold on a filtered mask is involved. M_k are the voxels whose
/// largest fitting ball is the k-th; they are disjoint, and their union M' is M without a rim of
/// the last radius.
#pragma once

#include <cstdint>
#include <vector>

#include "device/buffer.hpp"
#include "math/pad.hpp"
#include "math/vec.hpp"

namespace qsm {

template <class Device>
struct Shells {
  Window box;                    // the smallest that holds M
  std::vector<double> radii_mm;  // decreasing; only balls that fit around some voxel
  /// On the mask's grid: k = 1 .. K in M_k, K + 1 in the rim where no ball fits, 0 outside M.
  Buffer<Device, std::uint8_t> index;

  std::uint8_t count() const { return static_cast<std::uint8_t>(radii_mm.size()); }
};

QSM_HD bool some_ball_fits(std::uint8_t shell, std::uint8_t count) {
  return shell >= 1 && shell <= count;
}

/// One distance transform; 21 bytes per voxel while it runs, one afterwards. Throws
/// Error{kInvalidArgument}: EMPTY_MASK; MASK_TOO_THIN where no voxel lies deeper than the last
/// radius; INVALID_RADII where they are not positive and strictly decreasing, or more than 64.
template <class Device>
Shells<Device> find_shells(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
                           Field<std::uint8_t const> mask, std::vector<double> radii_mm);

}  // namespace qsm
