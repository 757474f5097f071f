/// What the pipeline is given: a description of the scan, and its samples one volume at a time.
#pragma once

#include <span>
#include <vector>

#include "device/grid.hpp"
#include "math/complex.hpp"
#include "math/vec.hpp"

namespace qsm {

struct ScanDescription {
  Grid matrix;   // reconstructed volume
  Grid encoded;  // k-space matrix; equals `matrix` for images
  Vec3d voxel_mm{1, 1, 1};
  Vec3d b0_direction{0, 0, 1};  // unit vector along B0 in the axes of the volume (x, y, z)
  std::vector<double> te_s;     // strictly increasing
  double b0_t = 3;
  int coils = 1;
  bool is_kspace = true;         // else complex coil images
  int phase_sign = 1;            // multiplies the measured phase (+1 or -1)
  bool bipolar_readout = false;  // the direction of the readout alternates between the echoes
};

/// Samples of a scan. `read` is called from one thread; a volume may be asked for more than once.
class ScanSource {
 public:
  virtual ~ScanSource() = default;

  /// One coil of one echo (both from 0) into `volume`, encoded.size() values, x fastest: k-space
  /// with its centre at floor(N/2), or the complex image.
  virtual void read(int echo, int coil, std::span<Complex> volume) = 0;
};

}  // namespace qsm
