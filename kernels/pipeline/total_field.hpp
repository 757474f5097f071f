/// Middle of the chain: wrapped echoes to the total field and the weight of each voxel.
#pragma once

#include <cstdint>

#include "device/buffer.hpp"
#include "phase/reliability.hpp"
#include "pipeline/combine.hpp"
#include "pipeline/options.hpp"
#include "pipeline/scan.hpp"

namespace qsm {

/// Unwraps every echo in place. Laplacian: the first in space, repaired with the second, and each
/// further one in time from the one before it. Paths: phase/romeo_unwrap.hpp; the mask loses voxels
/// without phase and pieces too small. Phase is zero outside the mask.
template <class Device>
void unwrap_echoes(Device const& device, ScanDescription const& scan, UnwrapOptions const& options,
                   Field<std::uint8_t> mask, CombinedEchoes<Device>& echoes);

/// ROMEO's quality of every voxel of the first echo, in [0, 1]: how well its phase fits the six
/// neighbours'. Before or after unwrapping.
template <class Device>
void phase_quality(Device const& device, ScanDescription const& scan,
                   CombinedEchoes<Device>& echoes, Field<float> quality);

template <class Device>
struct TotalField {
  Buffer<Device, float> field_ppm;  // finite; zero outside the mask
  Buffer<Device, float> noise_ppm;  // its standard deviation; finite; zero outside the mask
  Buffer<Device, float> weight;     // of the inversion; 0 where the field is not to be trusted
  bool noise_is_absolute = false;   // false: right up to one common factor, as of one echo
  ReliabilityCounts reliability;
  double effective_te_s = 0;  // sum_e w_e TE_e, w_e ~ mean of m_e^2 TE_e^2: the phase scale's
};

/// Fits the echoes twice by options.field, with a free and then with the smoothed offset (once,
/// with offset zero, for kAverage), and judges each voxel. Unreliable voxels at the rim leave the
/// mask; inside it their weight is zero and their field the average of the reliable neighbours
/// (Gaussian, 2 mm): one outlier left in place would reach every voxel within the background
/// filter's radius. `quality`: of phase_quality(), or empty.
template <class Device>
TotalField<Device> estimate_field(Device const& device, ScanDescription const& scan,
                                  PipelineOptions const& options, Field<std::uint8_t> mask,
                                  CombinedEchoes<Device> const& echoes,
                                  Field<float const> quality = {});

}  // namespace qsm
