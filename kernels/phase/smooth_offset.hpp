/// The phase at TE = 0, made smooth.
///
/// Once the receivers' offsets are removed, what a line fit finds at TE = 0 is a slowly varying
/// remainder plus the noise of an extrapolation. Averaging it over millimetres and fitting again
/// with it fixed (linear_fit, known_offset_rad) halves the noise of the field.
#pragma once

#include <cstdint>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

struct OffsetOptions {
  double sigma_mm = 4;  // Gaussian; 0: the offset stays free in every voxel
};

/// What the free fit found (phase/linear_fit.hpp), all of one grid.
struct FittedOffset {
  Field<float const> offset_rad;
  Field<float const> noise_hz;
  Field<float const> residual_rad;
};

/// smooth = G * (w offset) / G * w, w = 1 / noise^2 where the mask holds and the residual is below
/// 0.3 rad (echoes that do lie on a line), 0 elsewhere; 0 beyond the reach of the filter. Averages
/// values, not phasors: the offset must not wrap, and after coil combination it does not. Cost: one
/// complex smoothing.
template <class Device>
void smooth_offset(Device const& device, Vec3d voxel_mm, Field<std::uint8_t const> mask,
                   FittedOffset const& fitted, double sigma_mm, Field<float> smooth_rad);

}  // namespace qsm
