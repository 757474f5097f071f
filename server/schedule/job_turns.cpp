// Whose turn it is: JobQueue's use of JobOrder, the stop of a job for an emergency, and expiry.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <tuple>

#include "schedule/job_queue.hpp"

namespace chistream {

std::string JobQueue::next_job() {
  std::vector<WaitingJob> waiting;
  for (auto const& [id, live] : live_)
    if (!live.claimed()) waiting.push_back(live.place);
  WaitingJob const* const next = order_.next(waiting, share_, now_());
  return next ? next->job_id : "";
}

void JobQueue::give_order(Live& live, Order order) {
  live.order = order;
  live.ordered_at = now_();
  changed(live);
}

void JobQueue::make_room_for_emergencies() {
  using qsm::v1::PRIORITY_EMERGENCY;
  std::size_t emergencies = 0, coming = idle_workers_;
  std::vector<Live*> may_stop;
  for (auto& [id, live] : live_) {
    if (!live.claimed())
      emergencies += live.place.priority == PRIORITY_EMERGENCY;
    else if (live.order != Order::kNone)
      ++coming;
    else if (live.place.priority < qsm::v1::PRIORITY_URGENT && !live.made_room)
      may_stop.push_back(&live);
  }
  // The lowest class first, and of it the one that has just begun: least is lost.
  std::sort(may_stop.begin(), may_stop.end(), [](Live const* a, Live const* b) {
    return std::tuple(a->place.priority, -static_cast<std::int64_t>(a->claim.epoch())) <
           std::tuple(b->place.priority, -static_cast<std::int64_t>(b->claim.epoch()));
  });
  for (Live* const live : may_stop) {
    if (coming >= emergencies) return;
    spdlog::info("job {}: stopped for an emergency", live->place.job_id);
    give_order(*live, Order::kPreempt);
    ++coming;
  }
}

void JobQueue::expire_jobs() {
  std::vector<std::string> expired;
  for (auto const& [id, live] : live_)
    if (!live.claimed() && !live.started && live.patience &&
        now_() - live.place.since > *live.patience)
      expired.push_back(id);
  for (std::string const& id : expired) {
    JobRecord record = journal_.job(id);
    record.job.set_state(qsm::v1::JOB_STATE_EXPIRED);
    qsm::v1::ErrorDetail& error = *record.job.mutable_error();
    error.set_reason("QUEUE_TIME_EXCEEDED");
    error.set_message("it did not start within max_queue_time");
    error.set_retryable(true);
    error.set_hint("RetryJob queues it again");
    finish_locked(record, {});
  }
}

void JobQueue::tick() {
  std::scoped_lock const lock(mutex_);
  if (stopping_) return;
  give_up_silent_claims();
  expire_jobs();
  make_room_for_emergencies();
}

}  // namespace chistream
