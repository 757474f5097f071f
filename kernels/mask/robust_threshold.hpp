/// Where signal ends and noise begins, from the histogram's ends.
///
///   high  = mean of the values between the 80th and 99th percentile
///   noise = mean of those below the 15th; below the 5th if that exceeds high/10, and else 0
///   threshold = max(5 noise, high / 5)
///
/// as robustmask of MriResearchTools.jl (Eckstein).
#pragma once

#include "device/device.hpp"
#include "device/field.hpp"
#include "math/finite.hpp"

namespace qsm {

/// What is negative or not finite becomes 0.
struct CleanMagnitude {
  Field<float const> in;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = in[i] > 0 && is_finite(in[i]) ? in[i] : 0; }
};

/// `magnitude` >= 0 and finite, in any unit. Cost: one sort. 0 for a volume of zeros.
template <class Device>
double robust_threshold(Device const& device, Field<float const> magnitude);

}  // namespace qsm
