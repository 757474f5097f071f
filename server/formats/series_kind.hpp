/// Names of what a job can write as DICOM.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "qsm/v1/job.pb.h"

namespace chistream {

/// "local-field" of SERIES_KIND_LOCAL_FIELD.
std::string series_name(qsm::v1::SeriesKind kind);

/// The other way; nothing for any other text.
std::optional<qsm::v1::SeriesKind> series_called(std::string const& name);

/// Every kind there is, the susceptibility first.
std::vector<qsm::v1::SeriesKind> all_series();

/// "enhanced-mr" of DICOM_OBJECT_ENHANCED_MR.
std::string object_name(qsm::v1::DicomObject object);
std::optional<qsm::v1::DicomObject> object_called(std::string const& name);
std::vector<qsm::v1::DicomObject> all_objects();

/// "research", "product", "service"; nothing for any other text.
std::optional<qsm::v1::ContentQualification> qualification_called(std::string const& name);

}  // namespace chistream
