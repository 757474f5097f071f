/// A map as a DICOM series: MR Image Storage, one image per slice, signed 16-bit integers with
/// slope 1 (worker/dicom_quantity.hpp). One window for the whole series. The same arguments give
/// the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "worker/series_description.hpp"

namespace chistream {

/// Of the susceptibility; other quantities lie below it.
inline constexpr char kMainSeriesFolder[] = "dicom";

/// Where what is written as `object` lies: whoever gets the files tells them by this folder.
std::string object_folder(qsm::v1::DicomObject object);

struct DicomInstance {
  std::string name;  // "dicom/0001.dcm", "dicom/r2s/0001.dcm"
  std::string sop_instance_uid;
  std::string bytes;  // the file
};

/// Calls `write` for image 1, 2, ... in the order of the slice positions along the normal; holds
/// one image at a time. `values` has the size of exam.geometry.matrix, x fastest, and the unit of
/// the series' quantity. Returns how many voxels were beyond the range of the pixels (+/-32.767 ppm
/// of susceptibility) and are stored at its limit.
///
/// Throws Error{kInvalidArgument}: SHAPE_MISMATCH, NON_FINITE_VALUE, DICOM_VALUE_INVALID (an
/// identity DICOM cannot hold), DERIVATION_TOO_LONG, DICOM_DICTIONARY_MISSING.
std::uint64_t write_dicom_series(SeriesDescription const& series, std::span<float const> values,
                                 std::function<void(DicomInstance const&)> const& write);

}  // namespace chistream
