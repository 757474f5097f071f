/// Where a brain can be at all: the largest piece of tissue into which big balls fit.
///
///   core = largest piece of erode(tissue, r)      tissue = blurred image > 0.75
///   region = dilate(core, r + 2 mm)               r = 0.12 (3 |tissue| / 4 pi)^(1/3)
///
/// Such balls, of about 9 mm, are wider than scalp. A surface that grows in an image cut to the
/// region cannot run along the scalp where the skull is a voxel thin, as it does on measured heads
/// with voxels of 3 mm (docs/algorithms.md). The blur (sigma 2 mm, the voxel's own included) hides
/// vessels and noise and leaves the skull dark. What the balls cut off beyond the margin is lost:
/// corners of the brain between dark veins.
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
