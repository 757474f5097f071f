/// Names of the DICOM series a job can write, and the flag that asks for them.
#pragma once

#include <CLI/CLI.hpp>
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

/// "enhanced-mr", "parametric-map"; nothing for any other text.
std::optional<qsm::v1::DicomObject> object_called(std::string const& name);

/// --objects NAME,...: DICOM objects beside MR images. Fills spec.objects. `spec` outlives `app`.
void add_objects_flag(CLI::App& app, qsm::v1::JobSpec& spec);

/// --series NAME,...: what is written beside the susceptibility; `all` is everything. Fills
/// spec.series in the order of the enum, each once. `spec` outlives `app`.
void add_series_flag(CLI::App& app, qsm::v1::JobSpec& spec);

}  // namespace chistream
