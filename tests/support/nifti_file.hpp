/// Reads a NIfTI-1 file, plain or gzipped: just enough for the test data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "device/grid.hpp"
#include "math/vec.hpp"

namespace qsm::test {

struct NiftiVolume {
  Grid grid;
  int nt = 1;
  Vec3d voxel_mm;
  std::vector<float> data;  // scl_slope and scl_inter applied; volume t at data[t * grid.size()]

  std::vector<std::uint8_t> as_mask() const;    // != 0
  std::vector<std::uint8_t> as_labels() const;  // rounded, 0 .. 255
  std::vector<double> as_double() const { return {data.begin(), data.end()}; }
};

/// Throws std::runtime_error.
NiftiVolume read_nifti(std::string const& path);

}  // namespace qsm::test
