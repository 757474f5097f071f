/// Where a map may jump: the edges of an image of the same anatomy.
///
///   edge_i[n] = |grad_i (M m)|[n] > t,   t such that `share` of the mask's differences are edges
///
/// The prior of MEDI: total variation is not charged across them (Liu et al. 2011 MRM 66:777).
#pragma once

#include <cstdint>

#include "device/buffer.hpp"
#include "math/pad.hpp"
#include "math/vec.hpp"

namespace qsm {

/// 30 % of the three differences of every voxel: MEDI's "0.9 edges per voxel".
inline constexpr double kEdgeShare = 0.3;

/// Of the padded grid: bit i of a voxel is edge_i. `image`: a magnitude, of the mask's grid; what
/// is not finite in it counts as zero. `scale`: of the differences along each axis. Eight volumes
/// while it works. Throws Error{kInvalidArgument, "NO_EDGES"} for an image that is flat.
template <class Device>
Buffer<Device, std::uint8_t> find_edges(Device const& device, PaddedProblem const& padded,
                                        Vec3 scale, Field<float const> image,
                                        Field<std::uint8_t const> mask);

}  // namespace qsm
