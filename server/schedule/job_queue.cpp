#include "schedule/job_queue.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "store/random_id.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

qsm::v1::ErrorDetail retryable(std::string const& reason, std::string const& message) {
  qsm::v1::ErrorDetail detail;
  detail.set_reason(reason);
  detail.set_message(message);
  detail.set_retryable(true);
  return detail;
}

RequestError shutting_down() {
  return {grpc::UNAVAILABLE, "SHUTTING_DOWN", "the server is stopping", "ask again in a moment"};
}

}  // namespace

JobQueue::JobQueue(Journal& journal, Spool& spool) : journal_(journal), spool_(spool) {
  std::scoped_lock const lock(mutex_);
  for (JobRecord const& record : journal_.unfinished_jobs()) {
    live_[record.job.job_id()];
    if (record.job.state() != qsm::v1::JOB_STATE_QUEUED)
      end_attempt(record.job.job_id(), Counted::kNoFault,
                  retryable("SERVER_RESTARTED", "the server was restarted during attempt " +
                                                    std::to_string(record.job.attempt())));
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
  if (stopping_) throw shutting_down();
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
    if (stopping_) throw shutting_down();
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

qsm::v1::ClaimResponse JobQueue::claim(qsm::v1::ClaimRequest const& request,
                                       std::function<bool()> const& abandoned) {
  constexpr double kLongestWait_s = 60;
  constexpr std::chrono::milliseconds kLook{500};  // for a caller that is gone
  double const wait_s = std::clamp(request.wait_s(), 0.0, kLongestWait_s);
  auto const until = Clock::now() + std::chrono::milliseconds(static_cast<long>(1000 * wait_s));
  std::unique_lock lock(mutex_);
  while (!stopping_ && !abandoned()) {
    if (retired_.contains(request.worker_id()))
      throw RequestError(grpc::ABORTED, "WORKER_RETIRED", "this worker was given up");
    if (auto response = claim_locked(request)) return *response;
    if (Clock::now() >= until) break;
    wake_.wait_until(lock, std::min(until, Clock::now() + kLook));
  }
  if (stopping_) throw shutting_down();
  return {};
}

std::optional<qsm::v1::ClaimResponse> JobQueue::claim_locked(qsm::v1::ClaimRequest const& request) {
  auto record = journal_.oldest_queued_job();
  if (!record) return std::nullopt;
  UploadRecord const input = journal_.upload(record->job.spec().upload_id());
  record->job.set_state(qsm::v1::JOB_STATE_RUNNING);
  record->job.set_attempt(record->job.attempt() + 1);
  record->job.set_device(request.device().name());
  *record->job.mutable_started_at() = timestamp_now();
  journal_.claim_job(*record);

  Live& live = live_[record->job.job_id()];
  live.claim.set_job_id(record->job.job_id());
  live.claim.set_attempt(record->job.attempt());
  live.claim.set_epoch(record->epoch);
  live.worker_id = request.worker_id();
  live.expires_at = Clock::now() + kFirstHeartbeat;
  changed(live);
  spdlog::info("job {} attempt {} epoch {}: to worker {}", record->job.job_id(),
               record->job.attempt(), record->epoch, request.worker_id());

  qsm::v1::ClaimResponse response;
  *response.mutable_claim() = live.claim;
  *response.mutable_spec() = record->job.spec();
  response.set_input_path(spool_.upload(input.upload.upload_id()).string());
  response.set_input_sha256(input.upload.summary().sha256());
  response.set_created_at_unix_s(record->job.created_at().seconds());
  return response;
}

void JobQueue::heartbeat_opened(qsm::v1::TaskClaim const& claim) {
  std::scoped_lock const lock(mutex_);
  require(claim).expires_at = Clock::time_point::max();
}

void JobQueue::report(qsm::v1::TaskReport const& report) {
  std::scoped_lock const lock(mutex_);
  Live& live = require(report.claim());
  if (!report.has_progress()) return;
  live.progress = report.progress();
  ++live.progress_version;
  wake_.notify_all();
}

void JobQueue::heartbeat_closed(qsm::v1::TaskClaim const& claim) {
  std::scoped_lock const lock(mutex_);
  if (Live* const live = find(claim)) live->expires_at = Clock::now() + kAfterHeartbeat;
}

bool JobQueue::wait_for_cancel(qsm::v1::TaskClaim const& claim, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  Live const* live = nullptr;
  auto const decided = [&] {
    live = find(claim);
    return stopping_ || !live || live->cancelled_at != Clock::time_point{};
  };
  return wake_.wait(lock, stop, decided) && live && live->cancelled_at != Clock::time_point{};
}

void JobQueue::check_claim(qsm::v1::TaskClaim const& claim) {
  std::scoped_lock const lock(mutex_);
  require(claim);
}

void JobQueue::add_artifact(qsm::v1::TaskClaim const& claim, qsm::v1::Artifact const& artifact) {
  std::scoped_lock const lock(mutex_);
  require(claim).artifacts.push_back(artifact);
}

void JobQueue::finish(qsm::v1::FinishRequest const& request) {
  std::scoped_lock const lock(mutex_);
  Live& live = require(request.claim());
  JobRecord record = journal_.job(request.claim().job_id());
  std::uint64_t const epoch = request.claim().epoch();
  record.job.mutable_warnings()->CopyFrom(request.warnings());
  switch (request.outcome()) {
    case qsm::v1::FinishRequest::OUTCOME_SUCCEEDED: {
      if (request.artifacts() != live.artifacts.size())
        throw RequestError(grpc::INVALID_ARGUMENT, "ARTIFACT_COUNT_MISMATCH",
                           "finished with " + std::to_string(request.artifacts()) +
                               " artifacts, put were " + std::to_string(live.artifacts.size()));
      record.job.set_state(qsm::v1::JOB_STATE_SUCCEEDED);
      record.job.mutable_stage_times()->CopyFrom(request.stage_times());
      record.job.set_peak_bytes(request.peak_bytes());
      *record.job.mutable_progress() = live.progress;
      spool_.publish(record.job.job_id(), epoch);
      try {
        finish_locked(record, live.artifacts);
      } catch (...) {
        spool_.withdraw(record.job.job_id(), epoch);
        throw;
      }
      return;
    }
    case qsm::v1::FinishRequest::OUTCOME_FAILED:
      record.job.set_state(qsm::v1::JOB_STATE_FAILED);
      *record.job.mutable_error() = request.error();
      finish_locked(record, {});
      spool_.discard_staging(record.job.job_id(), epoch);
      return;
    case qsm::v1::FinishRequest::OUTCOME_CANCELLED:
      // Without an order it is the worker that stops, not the job.
      return end_attempt(record.job.job_id(), Counted::kCrash,
                         retryable("WORKER_CRASH", "the worker gave up attempt " +
                                                       std::to_string(record.job.attempt())));
    default:
      throw RequestError(grpc::INVALID_ARGUMENT, "BAD_OUTCOME", "Finish needs an outcome");
  }
}

void JobQueue::retire_worker(std::string const& worker_id, std::string const& how_it_ended) {
  std::scoped_lock const lock(mutex_);
  retired_.insert(worker_id);
  std::vector<std::string> lost;
  for (auto const& [id, live] : live_)
    if (live.claim.epoch() != 0 && live.worker_id == worker_id) lost.push_back(id);
  for (std::string const& id : lost)
    end_attempt(id, Counted::kCrash,
                retryable("WORKER_CRASH", "the worker ended by " + how_it_ended + " in attempt " +
                                              std::to_string(live_.at(id).claim.attempt())));
}

bool JobQueue::cancel_overdue(std::string const& worker_id, std::chrono::milliseconds grace) {
  std::scoped_lock const lock(mutex_);
  auto const now = Clock::now();
  return std::any_of(live_.begin(), live_.end(), [&](auto const& entry) {
    Live const& live = entry.second;
    return live.claim.epoch() != 0 && live.worker_id == worker_id &&
           live.cancelled_at != Clock::time_point{} && now - live.cancelled_at > grace;
  });
}

std::string JobQueue::job_of(std::string const& worker_id) {
  std::scoped_lock const lock(mutex_);
  for (auto const& [id, live] : live_)
    if (live.claim.epoch() != 0 && live.worker_id == worker_id) return id;
  return "";
}

void JobQueue::give_up_silent_claims() {
  std::scoped_lock const lock(mutex_);
  auto const now = Clock::now();
  std::vector<std::string> silent;
  for (auto const& [id, live] : live_)
    if (live.claim.epoch() != 0 && live.expires_at < now) silent.push_back(id);
  for (std::string const& id : silent)
    end_attempt(id, Counted::kCrash,
                retryable("WORKER_CRASH", "the worker sends no heartbeat any more in attempt " +
                                              std::to_string(live_.at(id).claim.attempt())));
}

void JobQueue::stop() {
  std::scoped_lock const lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

JobQueue::Live* JobQueue::find(qsm::v1::TaskClaim const& claim) {
  auto const found = live_.find(claim.job_id());
  bool const current = found != live_.end() && claim.epoch() != 0 &&
                       found->second.claim.epoch() == claim.epoch() &&
                       found->second.claim.attempt() == claim.attempt();
  return current ? &found->second : nullptr;
}

JobQueue::Live& JobQueue::require(qsm::v1::TaskClaim const& claim) {
  if (Live* const live = find(claim)) return *live;
  throw RequestError(grpc::ABORTED, "STALE_CLAIM",
                     "epoch " + std::to_string(claim.epoch()) + " no longer holds this job");
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

void JobQueue::end_attempt(std::string const& job_id, Counted counted,
                           qsm::v1::ErrorDetail const& error) {
  JobRecord record = journal_.job(job_id);
  if (counted == Counted::kCrash && !stopping_) ++record.crashes;
  if (record.job.state() == qsm::v1::JOB_STATE_CANCELLING) {
    record.job.set_state(qsm::v1::JOB_STATE_CANCELLED);
    finish_locked(record, {});
  } else {
    *record.job.mutable_error() = error;
    if (record.crashes >= kMaxCrashes) {
      record.job.set_state(qsm::v1::JOB_STATE_FAILED);
      finish_locked(record, {});
    } else {
      record.job.set_state(qsm::v1::JOB_STATE_QUEUED);
      journal_.update_job(record);
      Live& live = live_[job_id];
      std::uint64_t const version = live.state_version;
      live = Live();
      live.state_version = version;
      changed(live);
      spdlog::warn("job {}: queued again after attempt {}, {}", job_id, record.job.attempt(),
                   error.message());
    }
  }
  spool_.discard_staging(job_id, record.epoch);
}

void JobQueue::changed(Live& live) {
  ++live.state_version;
  wake_.notify_all();
}

}  // namespace chistream
