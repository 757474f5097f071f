/// How many voxels a mask holds.
#pragma once

#include <cstdint>

#include "device/field.hpp"
#include "device/reduce.hpp"

namespace qsm {

struct InMask {
  Field<std::uint8_t const> mask;
  QSM_HD double operator()(Index3 i) const { return mask[i] != 0; }
};

template <class Device>
std::size_t count_voxels(Device const& device, Field<std::uint8_t const> mask) {
  return static_cast<std::size_t>(sum_over(device, mask.grid, InMask{mask}));
}

}  // namespace qsm
