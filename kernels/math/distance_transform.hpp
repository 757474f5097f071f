/// Exact Euclidean distances to the background, and erosion and dilation by balls.
///
/// Squared distances separate: D(x,y,z) = min_z' [ hz^2 (z-z')^2 + min_y' [ .. + min_x' .. ] ].
/// Each axis is one pass in which a voxel looks outward along its line and stops as soon as the
/// step alone costs more than the best found, so a pass reads about twice the distance in voxels
/// per voxel; no stack per line as the lower-envelope method has (Felzenszwalb and Huttenlocher
/// 2012), which a GPU would have to keep in memory. Squared distances are double; 16 bytes per
/// voxel of work space.
#pragma once

#include <cstdint>
#include <limits>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

/// Distance [mm] from each voxel centre to the nearest voxel centre with mask == 0; voxels outside
/// the field of view count as background. Zero where mask == 0. An all-zero mask gives zeros.
/// What is farther than `most_mm` is only known to be: some distance above it stands there, for a
/// fraction of the time.
template <class Device>
void distance_to_background(Device const& device, Field<std::uint8_t const> mask, Vec3d voxel_mm,
                            Field<float> distance_mm,
                            double most_mm = std::numeric_limits<double>::infinity());

/// out = 1 where the distance to the background exceeds `radius_mm`. `out` may be `mask`'s memory.
/// A distance equal to the radius within a part in 10^6 does not exceed it. The result may be
/// empty.
template <class Device>
void erode(Device const& device, Field<std::uint8_t const> mask, Vec3d voxel_mm, double radius_mm,
           Field<std::uint8_t> out);

/// out = 1 where a mask voxel lies within `radius_mm` (to a part in 10^6). Nothing grows in from
/// outside the field of view. `out` may be `mask`'s memory.
template <class Device>
void dilate(Device const& device, Field<std::uint8_t const> mask, Vec3d voxel_mm, double radius_mm,
            Field<std::uint8_t> out);

}  // namespace qsm
