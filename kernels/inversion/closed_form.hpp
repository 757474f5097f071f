/// Inversions in one division per frequency, quick looks and yardsticks:
///
///   chi = F^-1( R(D) F(local field) )
///
///   tkd                  R = 1 / D where |D| > t, else sign(D) / t       Shmueli et al. 2009 MRM
///   tsvd                 R = 1 / D where |D| > t, else 0                 62:1510; Wharton 2010
///   tikhonov             R = D / (D^2 + lambda)                          Bilgic et al. 2014 MRM
///   tikhonov-gradient    R = D / (D^2 + lambda |E|^2)                    72:1444
///
/// |E|^2 is the symbol of grad^T grad (math/stencil.hpp); R(0) = 0, and +1 / t at D = 0. All of
/// them shrink the map: slopes of 0.8 to 0.9 on extended objects.
#pragma once

#include <cstdint>

#include "device/control.hpp"
#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

enum class ClosedForm { kTkd, kTsvd, kTikhonov, kTikhonovGradient };

struct ClosedFormOptions {
  ClosedForm method = ClosedForm::kTkd;
  double threshold = 0.15;  // t, in (0, 2/3); lower is sharper and streakier
  double lambda = 0.01;     // of the two Tikhonov forms; 0.02 for the gradient's
  int pad_voxels = -1;      // as VariationalOptions::pad_voxels
};

/// `chi_ppm`: zero outside the mask, not referenced. Values outside the mask and non-finite ones
/// are read as zero. Two real transforms, 2.5 floats per padded voxel. Throws
/// Error{kInvalidArgument}: EMPTY_MASK, INVALID_OPTION, INVALID_B0_DIRECTION.
template <class Device>
void invert_closed_form(Device const& device, Vec3d voxel_mm, Vec3d b0_direction,
                        Field<float const> local_ppm, Field<std::uint8_t const> mask,
                        ClosedFormOptions const& options, Field<float> chi_ppm,
                        Control const& control);

}  // namespace qsm
