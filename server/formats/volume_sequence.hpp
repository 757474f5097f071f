/// Several NIfTI files as one sequence of volumes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "formats/nifti.hpp"
#include "formats/phase_units.hpp"

namespace chistream {

/// One file of echoes and coils, or one file per echo. Throws FormatError GEOMETRY_MISMATCH
/// (matrix, or an affine that differs by more than 1e-4), ECHO_COUNT_MISMATCH, COIL_COUNT_MISMATCH.
class VolumeSequence {
 public:
  explicit VolumeSequence(std::vector<std::filesystem::path> const& paths);

  NiftiInfo const& info() const { return readers_.front().info(); }
  std::uint32_t echoes() const { return echoes_; }
  std::uint32_t coils() const { return coils_; }

  struct Place {
    std::uint32_t echo;
    std::uint32_t coil;
  };
  /// Reads the next volume, in the order of the files. `out` has info().voxels() elements.
  Place next(std::span<float> out, bool scaled);

  /// One pass over all values, and back to the first volume. Throws NON_FINITE_SAMPLES if no value
  /// is finite.
  PhaseRange range();

 private:
  std::vector<NiftiReader> readers_;
  std::uint32_t echoes_ = 1;
  std::uint32_t coils_ = 1;
  std::size_t file_ = 0;
  std::size_t volume_ = 0;  // within file_
};

/// Throws FormatError GEOMETRY_MISMATCH unless both describe the same voxels.
void check_same_geometry(qsm::v1::Geometry const& a, qsm::v1::Geometry const& b);

}  // namespace chistream
