#include "schedule/job_queue.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "store/random_id.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {

JobQueue::JobQueue(Journal& journal, Spool& spool) : journal_(journal), spool_(spool) {
  std::scoped_lock const lock(mutex_);
  for (JobRecord const& record : journal_.unfinished_jobs()) {
    live_[record.job.job_id()];
    if (record.job.state() != qsm::v1::JOB_STATE_QUEUED)
      end_attempt(record.job.job_id(), Cause::kServerRestart, "the server was restarted");
  }
}

qsm::v1::Job JobQueue::submit(qsm::v1::SubmitJobRequest const& request,
                              qsm::v1::JobSpec const& resolved) {
  qsm::v1::Job job;
  job.set_job_id(random_id());
  job.set_state(qsm::v1::JOB_STATE_QUEUED);
  *job.mutable_spec() = resolved;
  *job.mutable_created_at() = timestamp_now();
  std::scoped_lock const lock(mutex_);
  require_running();
  qsm::v1::Job const stored = journal_.insert_job(request, job).job;
  if (stored.job_id() == job.job_id()) changed(live_[job.job_id()]);
  return stored;
}

qsm::v1::Job JobQueue::job(std::string const& job_id) {
  return snapshot(job_id).job;
}

std::vector<qsm::v1::Job> JobQueue::newest(std::uint32_t limit) {
  std::scoped_lock const lock(mutex_);
  std::vector<qsm::v1::Job> jobs;
  for (JobRecord& record : journal_.newest_jobs(limit)) {
    auto const live = live_.find(record.job.job_id());
    if (live != live_.end() && live->second.claim.epoch() != 0)
      *record.job.mutable_progress() = live->second.progress;
    jobs.push_back(std::move(record.job));
  }
  return jobs;
}

qsm::v1::Job JobQueue::cancel(std::string const& job_id) {
  std::scoped_lock const lock(mutex_);
  JobRecord record = journal_.job(job_id);
  if (record.job.state() == qsm::v1::JOB_STATE_QUEUED) {
    record.job.set_state(qsm::v1::JOB_STATE_CANCELLED);
    finish_locked(record, {});
  } else if (record.job.state() == qsm::v1::JOB_STATE_RUNNING) {
    record.job.set_state(qsm::v1::JOB_STATE_CANCELLING);
    journal_.update_job(record);
    Live& live = live_.at(job_id);
    live.cancelled_at = Clock::now();
    changed(live);
  }
  return record.job;
}

JobQueue::Snapshot JobQueue::snapshot(std::string const& job_id) {
  std::scoped_lock const lock(mutex_);
  return snapshot_locked(job_id);
}

JobQueue::Snapshot JobQueue::snapshot_locked(std::string const& job_id) {
  Snapshot snapshot{.job = journal_.job(job_id).job};
  auto const live = live_.find(job_id);
  if (live == live_.end()) {
    snapshot.state_version = std::numeric_limits<std::uint64_t>::max();  // the last
    return snapshot;
  }
  snapshot.state_version = live->second.state_version;
  snapshot.progress_version = live->second.progress_version;
  if (live->second.claim.epoch() != 0) *snapshot.job.mutable_progress() = live->second.progress;
  return snapshot;
}

JobQueue::Snapshot JobQueue::wait(Snapshot const& seen, Clock::time_point progress_after,
                                  Clock::time_point until) {
  std::unique_lock lock(mutex_);
  std::string const& id = seen.job.job_id();
  auto const new_state = [&] {
    require_running();
    auto const live = live_.find(id);
    return live == live_.end() || live->second.state_version != seen.state_version;
  };
  auto const news = [&] {
    return new_state() || live_.at(id).progress_version != seen.progress_version;
  };
  if (!wake_.wait_until(lock, std::min(progress_after, until), new_state))
    wake_.wait_until(lock, until, news);
  return snapshot_locked(id);
}

JobQueue::Counts JobQueue::counts() {
  std::scoped_lock const lock(mutex_);
  Counts counts;
  for (auto const& [id, live] : live_) ++(live.claim.epoch() == 0 ? counts.queued : counts.running);
  return counts;
}

void JobQueue::stop() {
  std::scoped_lock const lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

void JobQueue::finish_locked(JobRecord& record, std::vector<qsm::v1::Artifact> const& artifacts) {
  *record.job.mutable_finished_at() = timestamp_now();
  journal_.finish_job(record, artifacts);
  live_.erase(record.job.job_id());
  wake_.notify_all();
  spdlog::info("job {}: {} after attempt {}{}{}", record.job.job_id(),
               qsm::v1::JobState_Name(record.job.state()), record.job.attempt(),
               record.job.has_error() ? ", " : "", record.job.error().reason());
}

void JobQueue::require_running() const {
  if (stopping_)
    throw RequestError(grpc::UNAVAILABLE, "SHUTTING_DOWN", "the server is stopping",
                       "ask again in a moment");
}

void JobQueue::changed(Live& live) {
  ++live.state_version;
  wake_.notify_all();
}

}  // namespace chistream
