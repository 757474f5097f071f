#include "schedule/job_queue.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "store/random_id.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

qsm::v1::Priority priority_of(qsm::v1::JobSpec const& spec) {
  return spec.priority() == qsm::v1::PRIORITY_UNSPECIFIED ? qsm::v1::PRIORITY_ROUTINE
                                                          : spec.priority();
}

// Above every number that an earlier run of the server gave out, unless it made more than 2^20
// changes a second.
std::uint64_t first_version() {
  return static_cast<std::uint64_t>(timestamp_now().seconds()) << 20;
}

}  // namespace

RequestError draining_refusal() {
  return {grpc::UNAVAILABLE, "DRAINING", "the server finishes what it has and takes nothing new",
          "ask again in a while"};
}

JobQueue::JobQueue(Journal& journal, Spool& spool, SchedulePolicy const& policy,
                   std::function<Clock::time_point()> now)
    : journal_(journal),
      spool_(spool),
      policy_(policy),
      now_(std::move(now)),
      order_(policy),
      share_(policy.share_half_life),
      last_version_(first_version()) {
  std::scoped_lock const lock(mutex_);
  for (JobRecord const& record : journal_.unfinished_jobs()) {
    add(record.job);
    if (record.job.state() != qsm::v1::JOB_STATE_QUEUED)
      end_attempt(record.job.job_id(), Cause::kServerRestart, "the server was restarted");
  }
}

qsm::v1::Job JobQueue::submit(Origin const& origin, qsm::v1::JobSpec const& resolved,
                              std::uint64_t estimated_bytes, std::string const& trace_id) {
  std::scoped_lock const lock(mutex_);
  return insert(origin, resolved, estimated_bytes, "", trace_id);
}

qsm::v1::Job JobQueue::retry(Origin const& origin, std::string const& job_id,
                             std::string const& trace_id) {
  std::scoped_lock const lock(mutex_);
  if (auto const earlier = journal_.submitted_job(origin)) return earlier->job;
  qsm::v1::Job const job = journal_.job(job_id).job;
  if (job.state() == qsm::v1::JOB_STATE_SUCCEEDED)
    throw RequestError(grpc::FAILED_PRECONDITION, "JOB_SUCCEEDED", "this job has its result",
                       "submit another job to reconstruct the exam again");
  if (job.state() < qsm::v1::JOB_STATE_SUCCEEDED)
    throw RequestError(grpc::FAILED_PRECONDITION, "JOB_IS_NOT_OVER",
                       "only a job that is over can be tried again", "cancel it first");
  return insert(origin, job.spec(), job.estimated_bytes(), job.job_id(), trace_id);
}

qsm::v1::Job JobQueue::insert(Origin const& origin, qsm::v1::JobSpec const& spec,
                              std::uint64_t estimated_bytes, std::string const& retry_of,
                              std::string const& trace_id) {
  require_open();
  qsm::v1::Job job;
  job.set_job_id(random_id());
  job.set_state(qsm::v1::JOB_STATE_QUEUED);
  job.set_tenant(origin.tenant);
  job.set_retry_of(retry_of);
  job.set_trace_id(trace_id);
  job.set_estimated_bytes(estimated_bytes);
  *job.mutable_spec() = spec;
  *job.mutable_created_at() = timestamp_now();
  qsm::v1::Job stored = journal_.insert_job(origin, job).job;
  if (stored.job_id() == job.job_id()) {
    changed(add(job));
    make_room_for_emergencies();
  }
  return stored;
}

JobQueue::Live& JobQueue::add(qsm::v1::Job const& job) {
  Live& live = live_[job.job_id()];
  live.place = {.job_id = job.job_id(),
                .tenant = job.tenant(),
                .priority = priority_of(job.spec()),
                .rank = ++last_rank_,
                .since = now_()};
  live.state_version = ++last_version_;
  live.bytes = job.estimated_bytes();
  live.started = job.attempt() > 0 || job.preemptions() > 0;
  live.made_room = job.preemptions() > 0;
  if (job.spec().has_max_queue_time())
    live.patience = std::chrono::seconds(job.spec().max_queue_time().seconds()) +
                    std::chrono::nanoseconds(job.spec().max_queue_time().nanos());
  return live;
}

qsm::v1::Job JobQueue::set_priority(qsm::v1::SetPriorityRequest const& request) {
  std::scoped_lock const lock(mutex_);
  JobRecord record = journal_.job(request.job_id());
  auto const found = live_.find(request.job_id());
  if (found == live_.end())
    throw RequestError(grpc::FAILED_PRECONDITION, "JOB_IS_OVER", "this job has ended");
  record.job.mutable_spec()->set_priority(request.priority());
  journal_.update_job(record);
  found->second.place.priority = priority_of(record.job.spec());
  changed(found->second);
  make_room_for_emergencies();
  return record.job;
}

qsm::v1::Job JobQueue::job(std::string const& job_id) {
  qsm::v1::Job job = journal_.job(job_id).job;
  progress_.show_in(job);
  return job;
}

std::vector<JobRecord> JobQueue::list(JobQuery const& query) {
  std::vector<JobRecord> jobs = journal_.newest_jobs(query);
  for (JobRecord& record : jobs) progress_.show_in(record.job);
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
    give_order(live_.at(job_id), Order::kCancel);
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
  progress_.show_in(snapshot.job);
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
  for (auto const& [id, live] : live_) ++(live.claimed() ? counts.running : counts.queued);
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
  share_.ended(record.job.job_id(), now_());
  progress_.forget(record.job.job_id());
  live_.erase(record.job.job_id());
  heard_(record.job);
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

void JobQueue::require_open() const {
  require_running();
  if (draining_) throw draining_refusal();
}

void JobQueue::set_draining(bool draining) {
  std::scoped_lock const lock(mutex_);
  draining_ = draining;
  wake_.notify_all();
}

void JobQueue::on_end(std::function<void(qsm::v1::Job const&)> heard) {
  std::scoped_lock const lock(mutex_);
  heard_ = std::move(heard);
}

JobQueue::Load JobQueue::load() {
  std::scoped_lock const lock(mutex_);
  Load load;
  for (int p = qsm::v1::PRIORITY_BATCH; p <= qsm::v1::PRIORITY_EMERGENCY; ++p)
    load.queued[static_cast<qsm::v1::Priority>(p)] = 0;
  for (auto const& [id, live] : live_) {
    if (live.claimed()) {
      load.reserved_bytes[live.device.kind() + "-" + std::to_string(live.device.index())] +=
          live.bytes;
      continue;
    }
    ++load.queued[live.place.priority];
    std::chrono::duration<double> const waited = now_() - live.place.since;
    load.oldest_wait_s = std::max(load.oldest_wait_s, waited.count());
  }
  return load;
}

void JobQueue::changed(Live& live) {
  live.state_version = ++last_version_;
  wake_.notify_all();
}

}  // namespace chistream
