/// The susceptibility map as a DICOM series: MR Image Storage, one image per slice, signed 16-bit
/// parts per billion with slope 1, so that a viewer shows the right number whether or not it
/// applies the rescale. One window for the whole series. The same arguments give the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "qsm/v1/acquisition.pb.h"
#include "worker/dicom_uid.hpp"

namespace chistream {

struct SeriesDescription {
  qsm::v1::ExamHeader exam;  // with the identity that the request completed
  Provenance provenance;
  std::int64_t created_at_unix_s =
      0;  // of the job: every date of ours comes from it, not the clock
  std::string software_version;
  std::string reference;   // what susceptibility is relative to: "brain", "csf", "none"
  std::string derivation;  // methods and key parameters; echo times are added
};

struct DicomInstance {
  std::string name;  // "dicom/0001.dcm"
  std::string sop_instance_uid;
  std::string bytes;  // the file
};

/// Calls `write` for image 1, 2, ... in the order of the slice positions along the normal; holds
/// one image at a time. `chi_ppm` has the size of exam.geometry.matrix, x fastest. Returns how many
/// voxels were beyond +/-32.767 ppm and are stored at that limit.
///
/// Throws Error{kInvalidArgument}: SHAPE_MISMATCH, NON_FINITE_VALUE, DICOM_VALUE_INVALID (an
/// identity DICOM cannot hold), DICOM_DICTIONARY_MISSING.
std::uint64_t write_dicom_series(SeriesDescription const& series, std::span<float const> chi_ppm,
                                 std::function<void(DicomInstance const&)> const& write);

}  // namespace chistream
