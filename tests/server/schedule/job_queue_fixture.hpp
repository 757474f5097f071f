/// A JobQueue on a journal and a spool of its own, with a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "schedule/job_queue.hpp"
#include "server/temporary_directory.hpp"
#include "store/request_error.hpp"

namespace chistream::test {

using namespace qsm::v1;

template <class Call>
std::string refusal(Call const& call) {
  try {
    call();
  } catch (RequestError const& error) {
    return error.detail().reason();
  }
  return "";
}

class JobQueueTest : public ::testing::Test {
 protected:
  JobQueueTest() {
    CreateUploadRequest upload;
    upload.set_request_id("u");
    upload_id_ = journal_.create_upload(upload).upload.upload_id();
    restart();
  }

  std::string submit(std::string const& request_id, Priority priority = PRIORITY_UNSPECIFIED,
                     double max_queue_time_s = 0) {
    SubmitJobRequest request;
    request.set_request_id(request_id);
    JobSpec spec;
    spec.set_upload_id(upload_id_);
    spec.set_priority(priority);
    if (max_queue_time_s > 0)
      spec.mutable_max_queue_time()->set_seconds(static_cast<std::int64_t>(max_queue_time_s));
    return queue_->submit(request, spec).job_id();
  }
  /// What the daemon would tell the worker of this claim.
  bool is_to_stop(TaskClaim const& claim) {
    std::stop_source now;
    now.request_stop();
    return queue_->wait_for_order(claim, now.get_token());
  }
  TaskClaim claim(std::string const& worker) {
    ClaimRequest request;
    request.set_worker_id(worker);
    return queue_->claim(request, [] { return false; }).claim();
  }
  static FinishRequest finished(TaskClaim const& claim, FinishRequest::Outcome outcome) {
    FinishRequest request;
    *request.mutable_claim() = claim;
    request.set_outcome(outcome);
    return request;
  }
  void restart() {
    queue_.reset();
    queue_.emplace(journal_, spool_, SchedulePolicy{}, [this] { return now_; });
  }

  TemporaryDirectory directory_;
  Spool spool_{directory_.path() / "spool"};
  Journal journal_{spool_.journal()};
  std::string upload_id_;
  JobQueue::Clock::time_point now_{std::chrono::hours(1)};
  std::optional<JobQueue> queue_;
};

}  // namespace chistream::test
