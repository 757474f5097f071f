/// How the mask is made, and the numbers that decide about it.
#pragma once

namespace qsm {

enum class MaskMethod { kMagnitude, kBrainSurface };

struct MaskOptions {
  MaskMethod method = MaskMethod::kMagnitude;
  double threshold_factor = 1;        // magnitude: scales the robust threshold
  double max_hole_fraction = 0.05;    // of the volume; larger cavities stay open
  double opening_mm = 3;              // magnitude: parts a brain from its scalp; 0: off
  double fractional_intensity = 0.5;  // brain surface: larger gives a smaller brain
  double erode_mm = 0;                // taken off the result at last
};

/// Throws Error{kInvalidArgument, "OPTION_OUT_OF_RANGE"}.
void validate(MaskOptions const& options);

}  // namespace qsm
