/// What a DICOM series says beside its pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qsm/v1/acquisition.pb.h"
#include "qsm/v1/job.pb.h"
#include "worker/dicom_uid.hpp"

namespace chistream {

struct SeriesDescription {
  qsm::v1::SeriesKind kind = qsm::v1::SERIES_KIND_SUSCEPTIBILITY;
  qsm::v1::ExamHeader exam;  // with the identity that the request completed
  Provenance provenance;
  std::int64_t created_at_unix_s =
      0;  // of the job: every date of ours comes from it, not the clock
  std::string software_version;
  std::string reference;  // what susceptibility is relative to: "brain", "csf", "none"; empty
                          // for other quantities
  std::vector<qsm::v1::DicomObject> objects = {};  // to be written beside MR images
  qsm::v1::ContentQualification qualification = qsm::v1::CONTENT_QUALIFICATION_RESEARCH;
  bool deidentified = false;
  std::string derivation;  // methods and key parameters; echo times are added
};

}  // namespace chistream
