/// The life of a job: which state follows which, who may write to it, who is told.
///
///   EXPIRED <- QUEUED -> RUNNING -> SUCCEEDED | FAILED
///                ^         |  \--> CANCELLING -> CANCELLED (or what it reached first)
///                |         v
///                +-- the attempt ended without a result: the worker died (twice: FAILED
///                    WORKER_CRASH), the daemon was restarted, or an emergency took its place
///                    (neither counts)
///
/// JobOrder says which is next. States live in the journal; here is only what a restart may forget:
/// progress, who holds a claim, how long a job has waited, what every tenant has had, and versions
/// for those who wait.
///
/// A job starts where its estimated memory is free beside the jobs that run there; the next in turn
/// waits for room and is not overtaken meanwhile. One that ran out of memory all the same is tried
/// once more with the device for itself.
///
/// An emergency that finds no worker idle has one running job below urgent stopped, as a
/// cancellation would, and queued again with the same attempt; a job makes room at most once.
///
/// Thread-safe. One mutex guards everything here and is held while the journal is written and while
/// a result is published (renames and syncs, some ms; seconds on a busy disk), so that a claim
/// cannot end in between. Who only asks, by job() or list(), does not take it.
/// Order: this mutex, then the journal's or the progress board's.
///
/// Throws RequestError: NOT_FOUND JOB_NOT_FOUND, ABORTED STALE_CLAIM, INVALID_ARGUMENT
/// ARTIFACT_COUNT_MISMATCH, FAILED_PRECONDITION JOB_IS_OVER or JOB_IS_NOT_OVER or JOB_SUCCEEDED,
/// UNAVAILABLE SHUTTING_DOWN.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "qsm/v1/worker.pb.h"
#include "schedule/job_order.hpp"
#include "schedule/progress_board.hpp"
#include "store/journal.hpp"
#include "store/spool.hpp"

namespace chistream {

/// UNAVAILABLE DRAINING.
RequestError draining_refusal();

/// Why a worker is no more: of itself, or because whoever lent its place took it back.
enum class Loss { kCrashed, kTakenAway };

class JobQueue {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::uint32_t kMaxCrashes = 2;
  /// A claim lives this long before its Heartbeat stream opens.
  static constexpr std::chrono::seconds kFirstHeartbeat{10};

  /// Attempts that a former daemon left behind are queued again, or cancelled if that was asked.
  /// `now` is the clock that jobs wait and claims run out by.
  JobQueue(Journal& journal, Spool& spool, SchedulePolicy const& policy = {},
           std::function<Clock::time_point()> now = Clock::now);

  // --- clients

  /// `estimated_bytes`: memory of the device that it will take, 0: next to nothing.
  qsm::v1::Job submit(Origin const& origin, qsm::v1::JobSpec const& resolved,
                      std::uint64_t estimated_bytes = 0, std::string const& trace_id = "");
  /// A new job like one that ended without a result, for the tenant of the origin.
  qsm::v1::Job retry(Origin const& origin, std::string const& job_id,
                     std::string const& trace_id = "");
  qsm::v1::Job set_priority(qsm::v1::SetPriorityRequest const& request);
  qsm::v1::Job job(std::string const& job_id);
  /// Newest first, each with its progress.
  std::vector<JobRecord> list(JobQuery const& query);
  qsm::v1::Job cancel(std::string const& job_id);

  struct Snapshot {
    qsm::v1::Job job;
    std::uint64_t state_version = 0;
    std::uint64_t progress_version = 0;

    /// Grows with every change, across restarts of the server too; the largest there is once the
    /// job is over.
    std::uint64_t seq() const { return std::max(state_version, progress_version); }
  };
  Snapshot snapshot(std::string const& job_id);
  /// Waits for a new state, or from `progress_after` on for new progress, or for `until`.
  Snapshot wait(Snapshot const& seen, Clock::time_point progress_after, Clock::time_point until);

  struct Counts {
    std::uint32_t queued = 0;
    std::uint32_t running = 0;
  };
  Counts counts();

  // --- workers

  /// Waits up to request.wait_s; a response without claim means no work. `abandoned` is asked
  /// before a job is given out.
  qsm::v1::ClaimResponse claim(qsm::v1::ClaimRequest const& request,
                               std::function<bool()> const& abandoned);
  void heartbeat_opened(qsm::v1::TaskClaim const& claim);
  void report(qsm::v1::TaskReport const& report);
  void heartbeat_closed(qsm::v1::TaskClaim const& claim);
  /// True when the worker is to stop; false when stopped itself or the claim is over.
  bool wait_for_order(qsm::v1::TaskClaim const& claim, std::stop_token stop);
  void check_claim(qsm::v1::TaskClaim const& claim);
  std::filesystem::path input_of(qsm::v1::TaskClaim const& claim);
  void add_artifact(qsm::v1::TaskClaim const& claim, qsm::v1::Artifact const& artifact);
  void finish(qsm::v1::FinishRequest const& request);

  // --- supervision

  /// Ends jobs that no device here has the memory for; a server may have been moved to a smaller
  /// machine since they were accepted. 0: not known, none ends.
  void fail_what_never_fits(std::uint64_t largest_device_bytes);
  /// The worker is dead: what it held is given up, and no claim is answered to this id again.
  /// Only what kCrashed ends counts against the job.
  void retire_worker(std::string const& worker_id, std::string const& how_it_ended,
                     Loss loss = Loss::kCrashed);
  /// It has not let go of a job that was to stop more than `grace` ago, or was given up: silent, or
  /// without progress for longer than a stage may take.
  bool must_be_killed(std::string const& worker_id, std::chrono::milliseconds grace);
  std::string job_of(std::string const& worker_id);  // empty when idle
  /// To be called often: gives up silent claims, lets jobs expire, and makes room for emergencies.
  void tick();
  /// While draining no job is given out and none is taken in; what runs goes on.
  void set_draining(bool draining);
  bool draining() const { return draining_; }
  /// Called with every job that ends, by whichever thread ends it; must not call back.
  void on_end(std::function<void(qsm::v1::Job const&)> heard);
  /// What waits and runs, for metrics.
  struct Load {
    std::map<qsm::v1::Priority, std::uint32_t> queued;
    double oldest_wait_s = 0;
    std::map<std::string, std::uint64_t> reserved_bytes;  // by device, "cuda-0"
  };
  Load load();
  /// Wakes everyone who waits; from now on lost attempts do not count as crashes.
  void stop();

 private:
  enum class Order { kNone, kCancel, kPreempt };
  struct Attempt {             // what ends with a claim
    qsm::v1::TaskClaim claim;  // epoch 0: not claimed
    std::string worker_id;
    Clock::time_point expires_at;  // the claim; never while the Heartbeat stream is open
    std::string stage;             // and iteration, as last reported
    Clock::time_point stage_since;
    Order order = Order::kNone;  // to the worker
    Clock::time_point ordered_at;
    std::vector<qsm::v1::Artifact> artifacts;
    qsm::v1::Device device;  // that it runs on

    bool claimed() const { return claim.epoch() != 0; }
  };
  struct Live : Attempt {  // one per job that is not finished
    std::uint64_t state_version = 0;
    std::uint64_t progress_version = 0;
    WaitingJob place;                         // in the queue; kept while it runs
    bool started = false;                     // at least once
    bool made_room = false;                   // for an emergency, which happens once
    std::optional<Clock::duration> patience;  // max_queue_time
    std::uint64_t bytes = 0;                  // of the device
  };
  enum class Cause {
    kWorkerCrash,
    kServerRestart,
    kPreempted,
    kOutOfMemory,
    kWorkerTaken
  };  // the first counts

  Live* find(qsm::v1::TaskClaim const& claim);     // nullptr: stale
  Live& require(qsm::v1::TaskClaim const& claim);  // throws STALE_CLAIM
  Snapshot snapshot_locked(std::string const& job_id);
  qsm::v1::Job insert(Origin const& origin, qsm::v1::JobSpec const& spec,
                      std::uint64_t estimated_bytes, std::string const& retry_of,
                      std::string const& trace_id);
  Live& add(qsm::v1::Job const& job);
  std::optional<qsm::v1::ClaimResponse> claim_locked(qsm::v1::ClaimRequest const& request);
  std::string next_job(qsm::v1::Device const& device);  // empty: none that may start there now
  std::uint64_t free_bytes(qsm::v1::Device const& device) const;  // by the estimates
  void give_order(Live& live, Order order);
  std::vector<std::string> ids_where(std::function<bool(Live const&)> const& holds) const;
  /// Ends a job for a reason of ours, not of an attempt.
  void end_job(std::string const& job_id, qsm::v1::JobState state, qsm::v1::ErrorDetail const& why);
  void make_room_for_emergencies();
  void expire_jobs();
  void give_up_silent_claims();
  void give_up_hung_claims();
  void finish_locked(JobRecord& record, std::vector<qsm::v1::Artifact> const& artifacts);
  static std::string reason_of(Cause cause, bool crash);
  void end_attempt(std::string const& job_id, Cause cause, std::string const& how);
  void require_running() const;  // throws SHUTTING_DOWN
  void require_open() const;     // throws SHUTTING_DOWN, DRAINING
  void changed(Live& live);

  Journal& journal_;
  Spool& spool_;
  SchedulePolicy const policy_;
  std::function<Clock::time_point()> const now_;
  ProgressBoard progress_;
  std::mutex mutex_;  // guards what follows
  JobOrder order_;
  FairShare share_;
  std::uint64_t last_rank_ = 0;
  std::uint64_t last_version_;
  std::vector<qsm::v1::Device const*> idle_;  // of the workers that wait in claim()
  std::condition_variable_any wake_;
  std::map<std::string, Live> live_;
  std::set<std::string> retired_;
  std::map<std::string, std::string> tenant_of_worker_;  // whose data it has held
  bool stopping_ = false;
  std::atomic<bool> draining_ = false;  // written under the mutex, for those who wait
  std::function<void(qsm::v1::Job const&)> heard_ = [](qsm::v1::Job const&) {};
};

}  // namespace chistream
