/// First stage of the chain: from the samples of every coil to one magnitude and one phase per
/// echo.
#pragma once

#include <cstdint>
#include <vector>

#include "device/buffer.hpp"
#include "device/control.hpp"
#include "pipeline/options.hpp"
#include "pipeline/scan.hpp"

namespace qsm {

/// One volume per echo, of ScanDescription::matrix. Phase in [-pi, pi], receiver offsets removed
/// where there are two echoes or more, `phase_sign` applied.
template <class Device>
struct CombinedEchoes {
  std::vector<Buffer<Device, float>> magnitude;
  std::vector<Buffer<Device, float>> phase;

  std::vector<Field<float const>> magnitudes() const;
  std::vector<Field<float const>> phases() const;
};

/// Whether the combined echoes are corrected for an alternating readout.
bool corrects_bipolar(ScanDescription const& scan, PipelineOptions const& options);

/// Two passes over the coils: the first forms the Hermitian product of echoes 1 and 2, whose phase
/// tells what evolved between them; the second removes each coil's offset and adds its echoes up.
/// Per coil and echo one complex FFT, echoes 1 and 2 twice: C (E + 2) transforms.
/// One echo of several coils has no evolution to separate the offsets by: its coils are referred to
/// a virtual one in three passes. Where corrects_bipolar(), the combined echoes are corrected for
/// an alternating readout. Throws as virtual_reference.hpp and bipolar.hpp.
template <class Device>
CombinedEchoes<Device> combine_coils(Device const& device, ScanDescription const& scan,
                                     ScanSource& source, PipelineOptions const& options,
                                     Control const& control);

/// Roemer's combination, where the coils' sensitivities are known: sum_c conj(b_c) S_c / sum_c
/// |b_c|^2, for data whose noise is white. `maps` gives coil c's as read(0, c), on scan.matrix,
/// with the sign of the samples' phase; where no coil has one the result is 0. The phase is the
/// scan's against the maps'. One pass, C E transforms; E complex volumes.
template <class Device>
CombinedEchoes<Device> combine_with_maps(Device const& device, ScanDescription const& scan,
                                         ScanSource& source, ScanSource& maps,
                                         Control const& control);

}  // namespace qsm
