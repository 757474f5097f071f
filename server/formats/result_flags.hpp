/// The flags that say what a job writes.
#pragma once

#include <CLI/CLI.hpp>

#include "qsm/v1/job.pb.h"

namespace chistream {

/// --series NAME,...: what is written beside the susceptibility; `all` is everything. --objects
/// NAME,...: DICOM objects beside MR images. --deidentify, --qualification. Fills `spec`, each once
/// and in the order of the enums; `spec` outlives `app`.
void add_result_flags(CLI::App& app, qsm::v1::JobSpec& spec);

}  // namespace chistream
