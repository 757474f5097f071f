/// Which of the jobs that wait starts next.
///
/// By class: emergency, urgent, routine, batch. Within a class comes the tenant that has used the
/// devices least lately (FairShare), and of its jobs the one that was queued first. So that nothing
/// waits for ever:
///   - a job that has waited for `aging` counts as one class higher, at most as urgent, unless its
///     tenant has had more than the mean of those that wait: a flood would age as a whole, and
///     overtake whoever comes with one job;
///   - after `urgent_in_a_row` starts above routine, one goes to a job below urgent if one waits.
/// An emergency is never held up by either.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "qsm/v1/job.pb.h"
#include "schedule/fair_share.hpp"

namespace chistream {

struct SchedulePolicy {
  std::chrono::milliseconds aging{600'000};
  unsigned urgent_in_a_row = 2;
  std::chrono::seconds share_half_life{3600};
  // For whoever runs the workers to say what one died of, after its Heartbeat stream ended.
  std::chrono::milliseconds after_heartbeat{1'000};
  // Without progress in a stage a worker hangs. Zero: for ever.
  std::chrono::milliseconds stage_deadline{0};
};

struct WaitingJob {
  std::string job_id;
  std::string tenant;
  qsm::v1::Priority priority = qsm::v1::PRIORITY_ROUTINE;
  std::uint64_t rank = 0;  // grows with every job
  FairShare::Clock::time_point since;
};

class JobOrder {
 public:
  explicit JobOrder(SchedulePolicy const& policy) : policy_(policy) {}

  /// nullptr when nothing waits. Linear in the jobs, times tenants and classes.
  WaitingJob const* next(std::vector<WaitingJob> const& waiting, FairShare const& share,
                         FairShare::Clock::time_point now) const;
  /// To be told of every start, for the turn of those below urgent.
  void started(qsm::v1::Priority own);

 private:
  SchedulePolicy policy_;
  unsigned urgent_starts_ = 0;  // in a row, emergencies left aside
};

}  // namespace chistream
