// Whose turn it is: JobQueue's use of JobOrder, the stop of a job for an emergency, and expiry.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "schedule/job_queue.hpp"

namespace chistream {

std::string JobQueue::next_job(qsm::v1::Device const& device) {
  if (draining_) return "";
  std::vector<WaitingJob> waiting;
  for (auto const& [id, live] : live_)
    if (!live.claimed() && (device.memory_bytes() == 0 || live.bytes <= device.memory_bytes()))
      waiting.push_back(live.place);
  WaitingJob const* const next = order_.next(waiting, share_, now_());
  bool const has_room = next && live_.at(next->job_id).bytes <= free_bytes(device);
  return has_room ? next->job_id : "";
}

std::uint64_t JobQueue::free_bytes(qsm::v1::Device const& device) const {
  if (device.memory_bytes() == 0) return std::numeric_limits<std::uint64_t>::max();  // not known
  std::uint64_t taken = 0;
  for (auto const& [id, live] : live_)
    if (live.claimed() && live.device.kind() == device.kind() &&
        live.device.index() == device.index())
      taken += live.bytes;
  return device.memory_bytes() - std::min(taken, device.memory_bytes());
}

void JobQueue::give_order(Live& live, Order order) {
  live.order = order;
  live.ordered_at = now_();
  changed(live);
}

void JobQueue::make_room_for_emergencies() {
  using qsm::v1::PRIORITY_EMERGENCY;
  std::size_t emergencies = 0, coming = 0;
  std::uint64_t largest = 0;  // of them
  std::vector<Live*> may_stop;
  for (auto& [id, live] : live_) {
    if (!live.claimed() && live.place.priority == PRIORITY_EMERGENCY) {
      ++emergencies;
      largest = std::max(largest, live.bytes);
    }
    if (!live.claimed()) continue;
    if (live.order != Order::kNone)
      ++coming;
    else if (live.place.priority < qsm::v1::PRIORITY_URGENT && !live.made_room)
      may_stop.push_back(&live);
  }
  if (emergencies == 0 || draining_) return;
  for (qsm::v1::Device const* const device : idle_) coming += largest <= free_bytes(*device);
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

std::vector<std::string> JobQueue::ids_where(std::function<bool(Live const&)> const& holds) const {
  std::vector<std::string> ids;
  for (auto const& [id, live] : live_)
    if (holds(live)) ids.push_back(id);
  return ids;
}

void JobQueue::end_job(std::string const& job_id, qsm::v1::JobState state,
                       qsm::v1::ErrorDetail const& why) {
  JobRecord record = journal_.job(job_id);
  record.job.set_state(state);
  *record.job.mutable_error() = why;
  finish_locked(record, {});
}

void JobQueue::expire_jobs() {
  auto const expired = [&](Live const& live) {
    return !live.claimed() && !live.started && live.patience &&
           now_() - live.place.since > *live.patience;
  };
  for (std::string const& id : ids_where(expired)) {
    qsm::v1::ErrorDetail why;
    why.set_reason("QUEUE_TIME_EXCEEDED");
    why.set_message("it did not start within max_queue_time");
    why.set_retryable(true);
    why.set_hint("RetryJob queues it again");
    end_job(id, qsm::v1::JOB_STATE_EXPIRED, why);
  }
}

void JobQueue::fail_what_never_fits(std::uint64_t largest_device_bytes) {
  std::scoped_lock const lock(mutex_);
  auto const too_large = [&](Live const& live) {
    return largest_device_bytes > 0 && !live.claimed() && live.bytes > largest_device_bytes;
  };
  for (std::string const& id : ids_where(too_large)) {
    qsm::v1::ErrorDetail why;
    why.set_reason("DOES_NOT_FIT");
    why.set_message("it needs " + std::to_string(live_.at(id).bytes) +
                    " bytes, the largest device here has " + std::to_string(largest_device_bytes));
    why.set_hint("less padding (inversion.pad), or a larger machine");
    end_job(id, qsm::v1::JOB_STATE_FAILED, why);
  }
}

void JobQueue::tick() {
  std::scoped_lock const lock(mutex_);
  if (stopping_) return;
  give_up_silent_claims();
  give_up_hung_claims();
  expire_jobs();
  make_room_for_emergencies();
}

}  // namespace chistream
