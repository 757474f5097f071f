/// Opening, closing and the last erosion of a mask, by balls in mm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

/// Eroded and dilated again: what no ball of that radius fits into is gone. 0 mm: nothing happens.
template <class Device>
void open_by_ball(Device const& device, Field<std::uint8_t> mask, Vec3d voxel_mm, double radius_mm);

/// Dilated and eroded again: gaps that no ball of that radius fits into are filled. Nothing is ever
/// lost, not even at the border of the volume, beyond which erosion sees background.
template <class Device>
void close_by_ball(Device const& device, Field<std::uint8_t> mask, Vec3d voxel_mm,
                   double radius_mm);

/// Takes `radius_mm` off the mask and counts what is left. Throws Error{kInvalidArgument,
/// "EMPTY_MASK"} if that is nothing.
template <class Device>
std::size_t erode_rim(Device const& device, Field<std::uint8_t> mask, Vec3d voxel_mm,
                      double radius_mm);

}  // namespace qsm
