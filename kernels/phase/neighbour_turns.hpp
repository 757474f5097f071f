/// Which single voxels of unwrapped phase stand a turn from their neighbours.
///
///   k = argmin sum_j |phi_j - phi - 2 pi k|     over the six neighbours in the same component;
///                                               k = 0 unless another is better
///
/// A spanning tree joins a voxel by one edge, the best looking. With noise of half a radian a voxel
/// several sigma off has edges beyond half a turn, one of which may look the best of its six: it
/// ends a turn away, and nothing behind it follows. Six edges know better than one. The sum of
/// absolute steps counts by how much an edge is beyond, and a neighbour that is itself a turn off
/// moves it little. Along a line where no unwrapping is consistent a voxel has at least as many
/// neighbours on its own side, and stays.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/field.hpp"

namespace qsm {

/// `component`: kNoComponent outside. `turns` is k, mostly 0. Returns how many are not. One pass:
/// 28 bytes read from neighbours, 4 written.
template <class Device>
std::size_t neighbour_turns(Device const& device, Field<float const> phase,
                            Field<std::uint32_t const> component, Field<std::int32_t> turns);

}  // namespace qsm
