/// What every fit over the echoes gives back, and the noise it reads off its own misfit.
#pragma once

#include <cstdint>

#include "device/field.hpp"

namespace qsm {

struct FitSummary {
  /// Standard deviation of the noise per real channel in units of the magnitudes, from the median
  /// of the weighted squared residuals over the mask (chi^2 with `freedom` degrees of freedom), so
  /// that a few voxels that do not fit leave it alone. 1 where it cannot be told (E < 3, or a
  /// perfect fit).
  double noise_sigma = 1;
  bool noise_is_absolute = false;  // false: noise_hz is correct up to one common factor only
  int freedom = 0;                 // degrees of freedom of a voxel's residual
};

/// Results, zero outside the mask and where no echo has signal; finite everywhere.
struct EchoFitFields {
  Field<float> field_hz;
  Field<float> offset_rad;    // phi_0
  Field<float> noise_hz;      // Cramer-Rao bound of field_hz
  Field<float> residual_rad;  // sqrt(sum m^2 r^2 / sum m^2)
};

/// Reads the noise off `misfit` = sum m^2 r^2 (NaN: no say) and scales noise_hz, which is given for
/// noise of 1, by it. `freedom`: echoes less fitted parameters. Cost: one sort, one pass. Throws
/// Error{kInvalidArgument, "EMPTY_MASK"}.
template <class Device>
FitSummary scale_by_noise(Device const& device, Field<float const> misfit,
                          Field<std::uint8_t const> mask, int freedom, Field<float> noise_hz);

}  // namespace qsm
