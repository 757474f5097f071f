/// Where an ISMRMRD acquisition belongs in k-space.
#pragma once

#include <ismrmrd/ismrmrd.h>

#include <complex>
#include <cstdint>
#include <span>

#include "container/framing.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Why an acquisition is not part of the image ("NOISE"), or null if it is.
char const* not_imaging(ISMRMRD::ISMRMRD_AcquisitionHeader const& head);

bool is_noise(ISMRMRD::ISMRMRD_AcquisitionHeader const& head);
bool is_reversed(ISMRMRD::ISMRMRD_AcquisitionHeader const& head);

/// Places lines in an encoded matrix whose centre is at floor(size/2) on every axis. `centre_y` and
/// `centre_z` are the step numbers of k = 0, from the XML header's encoding limits.
class LinePlacement {
 public:
  LinePlacement(qsm::v1::Matrix const& encoded, std::uint32_t centre_y, std::uint32_t centre_z)
      : encoded_(encoded), centre_y_(centre_y), centre_z_(centre_z) {}

  /// Throws FormatError LINE_OUT_OF_RANGE.
  qsm::container::AcquisitionHead place(ISMRMRD::ISMRMRD_AcquisitionHeader const& head) const;

  /// Samples of each coil that fall into the matrix. Sample m of the readout as acquired (a
  /// reversed one turned round first, its centre with it) lies at m - center_sample + floor(Kx/2);
  /// discard_pre and discard_post are left out. center_sample counts from the first sample
  /// acquired, discarded or not.
  std::uint32_t covered(ISMRMRD::ISMRMRD_AcquisitionHeader const& head) const;

  /// `in`: coils x number_of_samples; `out`: coils x Kx, zero where nothing was measured.
  void copy(ISMRMRD::ISMRMRD_AcquisitionHeader const& head, std::span<std::complex<float> const> in,
            std::span<std::complex<float>> out) const;

 private:
  struct Window {
    std::int64_t first;  // samples [first, last) of the readout, in ascending kx,
    std::int64_t last;
    std::int64_t offset;  // go to kx = sample + offset
  };
  Window window(ISMRMRD::ISMRMRD_AcquisitionHeader const& head) const;

  qsm::v1::Matrix encoded_;
  std::uint32_t centre_y_;
  std::uint32_t centre_z_;
};

}  // namespace chistream
