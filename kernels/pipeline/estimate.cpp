#include <algorithm>

#include "pipeline/pipeline.hpp"

namespace qsm {

std::uint64_t estimate_peak_bytes(ScanDescription const& scan, PipelineOptions const& options) {
  auto const voxels = static_cast<std::uint64_t>(scan.matrix.size());
  auto const encoded = static_cast<std::uint64_t>(scan.encoded.size());
  auto const echoes = static_cast<std::uint64_t>(scan.te_s.size());

  // coils: magnitude, phase and complex sum of every echo; offset, rotor and the images of two
  // echoes, and, while the phase evolution is unwrapped along paths, the edges and trees; or what
  // the other combinations hold instead; one encoded volume on the host and one on the device.
  bool const by_evolution = options.coil_method == CoilMethod::kMcpc3ds && echoes > 1;
  std::uint64_t const combine = voxels * (16 * echoes + (by_evolution ? 93 : 52)) + encoded * 16;

  auto const working = [&](auto size_of, auto pad) {
    std::uint64_t size = 1;
    for (int axis = 0; axis < 3; ++axis) {
      int const n = scan.matrix.extent(axis);
      size *= static_cast<std::uint64_t>(size_of(n + pad(n)));
    }
    return size;
  };

  // background by least squares (the direct form stays below the inversion): two bytes per voxel
  // and ball, and eleven floats with the transforms' work area; total and local field, weight,
  // masks, shells.
  std::uint64_t const balls = options.background.radii_mm.empty()
                                  ? vsharp_ls_radii(scan.voxel_mm).size()
                                  : options.background.radii_mm.size();
  std::uint64_t const background =
      working(fast_size, [](int) { return 0; }) * (44 + 2 * balls) + voxels * 28;

  // inversion: the padded volume, by the rule of VariationalOptions::pad_voxels;
  // local field, weight, R2*, chi, two masks.
  int const pad = options.variational.pad_voxels;
  std::uint64_t const invert =
      working(fastest_size, [=](int n) { return pad >= 0 ? pad : std::max(8, (n + 4) / 5); }) *
          static_cast<std::uint64_t>(4 * floats_per_voxel(variational_options(options))) +
      voxels * (follows_edges(options.inversion) ? 22 : 18);
  std::uint64_t const samples = options.extra.uncertainty ? voxels * 37 : 0;  // beside either
  std::uint64_t const host = voxels * 10;  // what the stages before have left of the result
  constexpr std::uint64_t kProgram = 64u << 20;
  return kProgram + host + std::max({combine, background + samples, invert + samples});
}

}  // namespace qsm
