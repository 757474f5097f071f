/// Order statistics of the values inside a mask.
#pragma once

#include <cstdint>
#include <vector>

#include "device/device.hpp"
#include "device/field.hpp"

namespace qsm {

/// Percentiles of `values` where mask != 0 (everywhere if `mask` is empty): linear interpolation
/// between order statistics at position p/100 (n-1). `percents` in [0, 100], any order.
/// NaN values are left out. Throws Error{kInvalidArgument, "EMPTY_MASK"} if nothing is left.
/// Sorts a copy: Thrust, one float per selected voxel.
template <class Device>
std::vector<double> percentiles(Device const& device, Field<float const> values,
                                Field<std::uint8_t const> mask,
                                std::vector<double> const& percents);

}  // namespace qsm
