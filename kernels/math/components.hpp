/// Connected components (6 neighbours) of a mask and of its complement.
///
/// Lock-free union-find (Komura 2015; Playne and Hawick 2018): roots are merged by atomic minima,
/// so a component's label is its smallest linear index in whatever order threads ran, and the
/// result is deterministic. About four passes; 12 bytes per voxel of work space.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/field.hpp"

namespace qsm {

/// Keeps the component with the most voxels (of equals the one that begins first in memory) and
/// returns their number. Throws Error{kInvalidArgument, "EMPTY_MASK"}.
template <class Device>
std::size_t keep_largest_component(Device const& device, Field<std::uint8_t> mask);

/// Fills the components of the background that touch no face of the volume and hold at most
/// `max_fraction_of_volume` of its voxels; returns the number of voxels filled.
template <class Device>
std::size_t fill_holes(Device const& device, Field<std::uint8_t> mask,
                       double max_fraction_of_volume);

}  // namespace qsm
