/// The whole turns that a spatially unwrapped echo is off by in all voxels together.
///
/// Unwrapping in space leaves one multiple of 2 pi open. Phase that is zero at TE = 0 obeys
/// phi_2 = r phi_1 with r = TE_2 / TE_1, so the turn n (of -2 .. 2) under which the first echo
/// predicts the second best is taken: mean of m |wrap(w_2 - r (phi_1 + 2 pi n))|, with a hundredth
/// of a radian per turn against ties (r whole: every n predicts alike, and 0 stays).
#pragma once

#include <cstdint>

#include "device/field.hpp"

namespace qsm {

struct TemplateEchoes {
  Field<float> first;            // unwrapped in space [rad]; corrected in place, 0 outside the mask
  Field<float const> second;     // wrapped [rad]
  Field<float const> magnitude;  // of the first
  double first_te_s = 0;
  double second_te_s = 0;
};

/// Cost: six reductions. Throws Error{kInvalidArgument}: ECHO_TIMES, EMPTY_MASK.
template <class Device>
void correct_template_turn(Device const& device, Field<std::uint8_t const> mask,
                           TemplateEchoes const& echoes);

}  // namespace qsm
