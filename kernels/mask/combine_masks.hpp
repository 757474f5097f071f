/// One mask from the brain's outline, the signal and the quality of the phase.
///
///   M = largest piece of  fill(open(brain and signal and close(quality > threshold)))
///
/// Closing keeps single bad voxels (veins, noise) from making holes; opening cuts what hangs on by
/// a thread; holes that good phase encloses (a bleed, a calcification) are filled.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

struct CombineMasksOptions {
  double quality_threshold = 0.5;   // voxels of noise have a quality of 0.2 to 0.4
  double closing_mm = 3;            // 0: off
  double opening_mm = 2;            // 0: off
  double max_hole_fraction = 0.05;  // of the volume; larger cavities stay open
};

/// `signal` and `quality` (0 .. 1; a value that is not finite counts as 0) may be empty: everywhere
/// good. `mask` may be the memory of `brain` or `signal`. Returns the number of mask voxels. Throws
/// Error{kInvalidArgument, "EMPTY_MASK"} if none is left.
template <class Device>
std::size_t combine_masks(Device const& device, Field<std::uint8_t const> brain,
                          Field<std::uint8_t const> signal, Field<float const> quality,
                          Vec3d voxel_mm, CombineMasksOptions const& options,
                          Field<std::uint8_t> mask);

}  // namespace qsm
