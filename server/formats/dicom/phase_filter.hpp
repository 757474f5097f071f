/// Whether phase was high-pass filtered before it came here, as for susceptibility-weighted images.
#pragma once

#include <cstdint>
#include <span>

namespace chistream::dicom {

/// One echo: magnitude and phase [rad], or real and imaginary; columns x rows x slices.
struct EchoView {
  std::span<float const> first;
  std::span<float const> second;
  bool complex;
  std::size_t columns, rows;
};

/// R = |sum_b B_b| / sum_b |B_b|, B_b the sum of the complex image over block b of 8 x 8 x 4
/// voxels.
///
/// A field turns the phase of distant blocks to every direction: R of the last echo was 0.02 to
/// 0.30 in a simulated head and in measured brain, kidneys and a sphere. Homodyne filtering leaves
/// every block near phase 0: 0.92 to 0.998 of the same images with windows of a third and a fifth
/// of k-space, but of the sphere's last echo (0.95, 0.67). At short echo times R is large
/// unfiltered too (0.82 in the sphere at 2.5 ms).
double phase_coherence(EchoView const& echo);

}  // namespace chistream::dicom
