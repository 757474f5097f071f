/// Jobs in words.
#pragma once

#include <string>

#include "client/progress.hpp"
#include "qsm/v1/job.pb.h"

namespace chistream {

void show_job(Progress& progress, qsm::v1::Job const& job);

/// One line beginning with the job's id, then its state.
std::string job_line(qsm::v1::Job const& job);

/// Prints how the job ended, its error and its warnings; returns the exit status.
int report_end(qsm::v1::Job const& job);

}  // namespace chistream
