/// The mask stage: whichever method the options name.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/field.hpp"
#include "mask/mask_options.hpp"
#include "math/vec.hpp"

namespace qsm {

/// `magnitude` is that of the first echo. Returns the number of mask voxels. Cost and errors: see
/// magnitude_mask.hpp and brain_surface.hpp.
template <class Device>
std::size_t make_mask(Device const& device, Field<float const> magnitude, Vec3d voxel_mm,
                      MaskOptions const& options, Field<std::uint8_t> mask);

}  // namespace qsm
