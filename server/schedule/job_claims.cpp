// The workers' half of JobQueue: claims, and how they end.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "schedule/job_queue.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

bool ran_out_of_memory(qsm::v1::ErrorDetail const& error) {
  return error.reason() == "OUT_OF_MEMORY" || error.reason() == "GPU_OUT_OF_MEMORY";
}

}  // namespace

qsm::v1::ClaimResponse JobQueue::claim(qsm::v1::ClaimRequest const& request,
                                       std::function<bool()> const& abandoned) {
  constexpr double kLongestWait_s = 60;
  constexpr std::chrono::milliseconds kLook{500};  // for a caller that is gone
  double const wait_s = std::min(std::max(0.0, request.wait_s()), kLongestWait_s);  // NaN is 0
  auto const until = Clock::now() + std::chrono::milliseconds(static_cast<long>(1000 * wait_s));
  std::unique_lock lock(mutex_);
  // A worker has one job at a time: if it still holds one, it is another process of the same name.
  auto const held = [&](Live const& live) {
    return live.claimed() && live.worker_id == request.worker_id();
  };
  for (std::string const& id : ids_where(held))
    end_attempt(id, Cause::kWorkerTaken, "its worker was started anew");
  idle_.push_back(&request.device());
  struct Leave {  // still under the lock, which is destroyed later
    std::vector<qsm::v1::Device const*>& idle;
    qsm::v1::Device const* device;
    ~Leave() { std::erase(idle, device); }
  } const leave{idle_, &request.device()};
  while (!stopping_ && !abandoned()) {
    if (retired_.contains(request.worker_id()))
      throw RequestError(grpc::ABORTED, "WORKER_RETIRED", "this worker was given up");
    if (auto response = claim_locked(request)) return *response;
    if (Clock::now() >= until) break;
    wake_.wait_until(lock, std::min(until, Clock::now() + kLook));
  }
  require_running();
  return {};
}

std::optional<qsm::v1::ClaimResponse> JobQueue::claim_locked(qsm::v1::ClaimRequest const& request) {
  std::string const next = next_job(request.device());
  if (next.empty()) return std::nullopt;
  // Memory of the device, of transforms, of the heap: whatever a process has of one tenant ends
  // with it, and another takes the job of the next. It is told so again if it asks again.
  std::string const& tenant = live_.at(next).place.tenant;
  auto const held = tenant_of_worker_.try_emplace(request.worker_id(), tenant);
  if (held.first->second != tenant) {
    qsm::v1::ClaimResponse another;
    another.set_end(true);
    return another;
  }
  std::optional<JobRecord> record = journal_.job(next);
  UploadRecord const input = journal_.upload(record->job.spec().upload_id());
  record->job.set_state(qsm::v1::JOB_STATE_RUNNING);
  record->job.set_attempt(record->job.attempt() + 1);
  record->job.set_device(request.device().name());
  *record->job.mutable_started_at() = timestamp_now();
  journal_.claim_job(*record);

  Live& live = live_.at(next);
  live.started = true;
  live.device = request.device();
  order_.started(live.place.priority);
  share_.began(next, live.place.tenant, now_());
  live.claim.set_job_id(record->job.job_id());
  live.claim.set_attempt(record->job.attempt());
  live.claim.set_epoch(record->epoch);
  live.worker_id = request.worker_id();
  live.expires_at = now_() + kFirstHeartbeat;
  live.stage_since = now_();
  changed(live);
  spdlog::info("job {} attempt {} epoch {}: to worker {}, trace {}", record->job.job_id(),
               record->job.attempt(), record->epoch, request.worker_id(), record->job.trace_id());

  qsm::v1::ClaimResponse response;
  *response.mutable_claim() = live.claim;
  *response.mutable_spec() = record->job.spec();
  response.set_input_path(spool_.upload(input.upload.upload_id()).string());
  response.set_input_sha256(input.upload.summary().sha256());
  response.set_trace_id(record->job.trace_id());
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
  progress_.set(report.claim().job_id(), report.progress());
  live.progress_version = ++last_version_;
  wake_.notify_all();
  std::string const stage =
      report.progress().stage() + " " + std::to_string(report.progress().iteration());
  if (stage == live.stage) return;
  live.stage = stage;
  live.stage_since = now_();
}

void JobQueue::heartbeat_closed(qsm::v1::TaskClaim const& claim) {
  std::scoped_lock const lock(mutex_);
  if (Live* const live = find(claim)) live->expires_at = now_() + policy_.after_heartbeat;
}

bool JobQueue::wait_for_order(qsm::v1::TaskClaim const& claim, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  Live const* live = nullptr;
  auto const decided = [&] {
    live = find(claim);
    return stopping_ || !live || live->order != Order::kNone;
  };
  return wake_.wait(lock, stop, decided) && live && live->order != Order::kNone;
}

void JobQueue::check_claim(qsm::v1::TaskClaim const& claim) {
  std::scoped_lock const lock(mutex_);
  require(claim);
}

std::filesystem::path JobQueue::input_of(qsm::v1::TaskClaim const& claim) {
  std::scoped_lock const lock(mutex_);
  require(claim);
  return spool_.upload(journal_.job(claim.job_id()).job.spec().upload_id());
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
      progress_.show_in(record.job);
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
      if (ran_out_of_memory(request.error()) && live.bytes < live.device.memory_bytes()) {
        live.bytes = live.device.memory_bytes();
        return end_attempt(record.job.job_id(), Cause::kOutOfMemory, "no memory was left");
      }
      record.job.set_state(qsm::v1::JOB_STATE_FAILED);
      *record.job.mutable_error() = request.error();
      finish_locked(record, {});
      spool_.discard_staging(record.job.job_id(), epoch);
      return;
    case qsm::v1::FinishRequest::OUTCOME_CANCELLED:
      // Without an order it is the worker that stops, not the job.
      return end_attempt(record.job.job_id(), Cause::kWorkerCrash, "the worker gave it up");
    default:
      throw RequestError(grpc::INVALID_ARGUMENT, "BAD_OUTCOME", "Finish needs an outcome");
  }
}

void JobQueue::retire_worker(std::string const& worker_id, std::string const& how_it_ended,
                             Loss loss) {
  std::scoped_lock const lock(mutex_);
  retired_.insert(worker_id);
  tenant_of_worker_.erase(worker_id);
  auto const lost = [&](Live const& live) { return live.claimed() && live.worker_id == worker_id; };
  for (std::string const& id : ids_where(lost))
    end_attempt(id, loss == Loss::kCrashed ? Cause::kWorkerCrash : Cause::kWorkerTaken,
                "the worker ended by " + how_it_ended);
}

bool JobQueue::must_be_killed(std::string const& worker_id, std::chrono::milliseconds grace) {
  std::scoped_lock const lock(mutex_);
  if (retired_.contains(worker_id)) return true;
  return std::any_of(live_.begin(), live_.end(), [&](auto const& entry) {
    Live const& live = entry.second;
    return live.claimed() && live.worker_id == worker_id && live.order != Order::kNone &&
           now_() - live.ordered_at > grace;
  });
}

std::string JobQueue::job_of(std::string const& worker_id) {
  std::scoped_lock const lock(mutex_);
  for (auto const& [id, live] : live_)
    if (live.claimed() && live.worker_id == worker_id) return id;
  return "";
}

void JobQueue::give_up_silent_claims() {
  auto const now = now_();
  auto const silent = [&](Live const& live) { return live.claimed() && live.expires_at < now; };
  for (std::string const& id : ids_where(silent)) {
    retired_.insert(live_.at(id).worker_id);
    end_attempt(id, Cause::kWorkerCrash, "the worker sends no heartbeat any more");
  }
}

void JobQueue::give_up_hung_claims() {
  if (policy_.stage_deadline.count() == 0) return;
  auto const now = now_();
  auto const hangs = [&](Live const& live) {
    return live.claimed() && now - live.stage_since > policy_.stage_deadline;
  };
  for (std::string const& id : ids_where(hangs)) {
    Live const& live = live_.at(id);
    std::string const stage = live.stage.substr(0, live.stage.rfind(' '));
    std::uint64_t const epoch = live.claim.epoch();
    retired_.insert(live.worker_id);
    bool const cancelling = journal_.job(id).job.state() == qsm::v1::JOB_STATE_CANCELLING;
    qsm::v1::ErrorDetail why;
    why.set_reason("STAGE_TIMEOUT");
    why.set_stage(stage);
    why.set_message(
        "no progress for " +
        std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(policy_.stage_deadline).count()) +
        " s; the worker is killed");
    why.set_retryable(true);
    why.set_hint("RetryJob, or a longer stage-timeout-s on a slow machine");
    end_job(id, cancelling ? qsm::v1::JOB_STATE_CANCELLED : qsm::v1::JOB_STATE_FAILED, why);
    spool_.discard_staging(id, epoch);
  }
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

std::string JobQueue::reason_of(Cause cause, bool crash) {
  switch (cause) {
    case Cause::kPreempted:
      return "PREEMPTED";
    case Cause::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case Cause::kWorkerTaken:
      return "WORKER_TAKEN_AWAY";
    default:
      return crash ? "WORKER_CRASH" : "SERVER_RESTARTED";
  }
}

void JobQueue::end_attempt(std::string const& job_id, Cause cause, std::string const& how) {
  JobRecord record = journal_.job(job_id);
  if (live_.at(job_id).order == Order::kPreempt) cause = Cause::kPreempted;  // however it went
  bool const crash = cause == Cause::kWorkerCrash && !stopping_;
  if (crash) ++record.crashes;
  if (record.job.state() == qsm::v1::JOB_STATE_CANCELLING) {
    record.job.set_state(qsm::v1::JOB_STATE_CANCELLED);
    finish_locked(record, {});
  } else {
    qsm::v1::ErrorDetail& error = *record.job.mutable_error();
    error.Clear();
    error.set_reason(reason_of(cause, crash));
    error.set_message("attempt " + std::to_string(record.job.attempt()) + " ended: " + how);
    error.set_retryable(true);
    if (cause == Cause::kPreempted) {  // the same attempt begins again
      record.job.set_attempt(record.job.attempt() - 1);
      record.job.set_preemptions(record.job.preemptions() + 1);
    }
    if (record.crashes >= kMaxCrashes) {
      record.job.set_state(qsm::v1::JOB_STATE_FAILED);
      finish_locked(record, {});
    } else {
      record.job.set_state(qsm::v1::JOB_STATE_QUEUED);
      record.job.set_estimated_bytes(live_.at(job_id).bytes);
      journal_.update_job(record);
      share_.ended(job_id, now_());
      Live& live = live_.at(job_id);
      progress_.forget(job_id);
      static_cast<Attempt&>(live) = {};
      live.made_room = record.job.preemptions() > 0;
      changed(live);
      spdlog::warn("job {}: queued again, {}", job_id, error.message());
    }
  }
  spool_.discard_staging(job_id, record.epoch);
}

}  // namespace chistream
