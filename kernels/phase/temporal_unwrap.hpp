/// Unwrapping from echo to echo: phase that starts near zero at TE = 0 grows in proportion to TE,
/// so an unwrapped echo predicts the next one to within its noise and needs no neighbours.
#pragma once

#include "device/field.hpp"

namespace qsm {

/// out = w - 2 pi rint( (w - ref) / 2 pi ),   ref = previous TE / TE_previous
///
/// Needs receiver offsets removed (|offset| (TE / TE_previous - 1) well below pi). `previous` [rad]
/// is unwrapped; `out` may be the memory of `wrapped`. Zero where previous or wrapped is not
/// finite. Going outward from the template echo, `te_s` may be smaller than `previous_te_s`. Throws
/// Error{kInvalidArgument, "ECHO_TIMES"} unless both times are positive.
template <class Device>
void unwrap_echo(Device const& device, Field<float const> previous, double previous_te_s,
                 Field<float const> wrapped, double te_s, Field<float> out);

}  // namespace qsm
