/// What susceptibility is relative to. A field determines it up to a constant only.
#pragma once

#include <cstdint>

#include "device/field.hpp"

namespace qsm {

enum class ReferenceMethod { kNone, kMaskMean };

/// chi <- chi - reference inside the mask, 0 outside; returns the reference [ppm].
/// kMaskMean: the mean over the mask, as the ISMRM consensus recommends for whole-brain maps
/// (2024, doi 10.1002/mrm.30006). Throws Error{kInvalidArgument, "EMPTY_MASK"}.
template <class Device>
double reference(Device const& device, ReferenceMethod method, Field<std::uint8_t const> mask,
                 Field<float> chi_ppm);

}  // namespace qsm
