/// Where a brain can be at all: the largest piece of tissue into which big balls fit.
///
///   core = largest piece of erode(tissue, r)      tissue = blurred image > 0.75
///   region = dilate(core, r + 2 mm)               r = 0.12 (3 |tissue| / 4 pi)^(1/3)
///
/// Balls of about 9 mm fit into no scalp, muscle or optic nerve, and through none of the openings
/// of the skull. A surface that grows in an image cut to the region cannot run out into the scalp
/// where the skull is a voxel thin, as it does on brains of 3 mm voxels. The blur (sigma 2 mm, the
/// voxel's own included) hides vessels and noise and leaves the skull dark.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

/// `image` as even_image() gives it: tissue is about 1. Returns the number of voxels of `region`.
/// Throws Error{kInvalidArgument, "NO_BRAIN"} if no ball fits anywhere, as in a single slice.
template <class Device>
std::size_t brain_region(Device const& device, Field<float const> image, Vec3d voxel_mm,
                         Field<std::uint8_t> region);

}  // namespace qsm
