#include <algorithm>

#include "pipeline/pipeline.hpp"

namespace qsm {

std::uint64_t estimate_peak_bytes(ScanDescription const& scan, PipelineOptions const& options) {
  auto const voxels = static_cast<std::uint64_t>(scan.matrix.size());
  auto const encoded = static_cast<std::uint64_t>(scan.encoded.size());
  auto const echoes = static_cast<std::uint64_t>(scan.te_s.size());

  // coils: magnitude, phase and complex sum of every echo; offset, rotor, scratch and the images of
  // two echoes; one encoded volume on the host and one on the device.
  std::uint64_t const combine = voxels * (16 * echoes + 44) + encoded * 16;

  // inversion: the padded volume, by the rule of NltvOptions::pad_voxels.
  std::uint64_t padded = 1;
  for (int axis = 0; axis < 3; ++axis) {
    int const n = scan.matrix.extent(axis);
    int const pad = options.nltv.pad_voxels >= 0 ? options.nltv.pad_voxels : std::max(8, n / 5 + 1);
    padded *= static_cast<std::uint64_t>(fast_size(n + pad));
  }
  // 13 floats per padded voxel; local field, weight, chi, two masks and the host's copies.
  std::uint64_t const invert = padded * 52 + voxels * 40;
  constexpr std::uint64_t kProgram = 64u << 20;
  return kProgram + std::max(combine, invert);
}

}  // namespace qsm
