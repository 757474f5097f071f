/// The coils of a scan as images on the device, one at a time.
#pragma once

#include <optional>
#include <span>

#include "coils/centered_fft.hpp"
#include "device/launch.hpp"
#include "device/upload.hpp"
#include "pipeline/scan.hpp"

namespace qsm {

/// Samples with phase_sign s = -1 are conjugated, so that everything behind sees one convention.
struct Conjugate {
  Field<Complex> image;
  QSM_HD void operator()(Index3 i) const { image[i] = conj(image[i]); }
};

/// Brings one coil of one echo onto the device as an image of the reconstructed matrix.
template <class Device>
class CoilImages {
 public:
  CoilImages(Device const& device, ScanDescription const& scan, ScanSource& source)
      : device_(device),
        scan_(scan),
        source_(source),
        upload_(device, scan.encoded),
        encoded_(device, scan.encoded) {
    if (scan.is_kspace) fft_.emplace(device, scan.encoded);
  }

  void read(int echo, int coil, Buffer<Device, Complex>& image) {
    upload_.fill(encoded_.field(),
                 [&](std::span<Complex> host) { source_.read(echo, coil, host); });
    if (fft_) fft_->inverse(encoded_.field());
    crop_centered(device_, encoded_.view(), image.field());
    if (scan_.phase_sign < 0) for_each_voxel(device_, image.grid(), Conjugate{image.field()});
  }

 private:
  Device const& device_;
  ScanDescription const& scan_;
  ScanSource& source_;
  Upload<Device, Complex> upload_;
  Buffer<Device, Complex> encoded_;
  std::optional<CenteredFft<Device>> fft_;
};

}  // namespace qsm
