/// Jobs, from submission to their end.
#pragma once

#include <functional>

#include "session/connection.hpp"

namespace chistream {

/// Submits under a request_id made from the spec, so that the same work asked for twice is one job.
/// A job that already failed, expired or was cancelled is not asked for again: the next number is.
/// `fresh` adds something random, for another job in any case.
qsm::v1::Job submit_job(Connection& server, qsm::v1::JobSpec const& spec, bool fresh,
                        Patience const& patience);

/// One that nobody made before.
std::string random_request_id(std::string const& prefix);

bool is_terminal(qsm::v1::JobState state);

/// "QUEUED", "SUCCEEDED", ...
std::string state_name(qsm::v1::JobState state);
std::vector<std::string> state_names();
/// In either case of letters.
qsm::v1::JobState state_called(std::string name);

/// Calls `changed` with every snapshot until the job ends; returns the last. Takes the watch up
/// again when the connection breaks.
qsm::v1::Job watch_job(Connection& server, std::string const& job_id, Patience const& patience,
                       std::function<void(qsm::v1::Job const&)> const& changed);

}  // namespace chistream
