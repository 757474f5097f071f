/// Patient, study and scanner as they stand in a DICOM data set.
#pragma once

#include <cstdint>
#include <string>

#include "qsm/v1/acquisition.pb.h"

class DcmItem;

namespace chistream {

/// `base` with every field that `request` sets in its place.
qsm::v1::Identity merged(qsm::v1::Identity const& base, qsm::v1::Identity const& request);

/// Patient, general study, and the parts of general series, frame of reference and general
/// equipment that come from the scanner. UIDs of ours, our series and the image are not written
/// here.
void put_identity(DcmItem& item, qsm::v1::Identity const& identity);

/// Refuses, before any work is done, an identity that could not be written.
/// Throws Error{kInvalidArgument, "DICOM_VALUE_INVALID"} naming the attribute, not its value.
void check_identity(qsm::v1::Identity const& identity);

/// A moment in UTC as DICOM writes it.
struct DicomTime {
  explicit DicomTime(std::int64_t unix_s);
  std::string date;       // YYYYMMDD
  std::string time;       // HHMMSS
  std::string date_time;  // YYYYMMDDHHMMSS+0000
};

}  // namespace chistream
