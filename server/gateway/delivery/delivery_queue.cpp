#include "gateway/delivery/delivery_queue.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

#include "formats/format_error.hpp"
#include "gateway/delivery/result_files.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream::gateway {

namespace {

constexpr std::int64_t kFirstPause_ms = 10'000;
constexpr std::int64_t kLongestPause_ms = 15 * 60'000;
constexpr std::int64_t kCommitmentPatience_ms = 10 * 60'000;
constexpr std::chrono::milliseconds kLook{500};
constexpr std::uint16_t kClassNotSupported = 0x0122;  // PS3.7 C.5.6, PS3.18 I.2.2

std::string in_hex(std::uint32_t status) {
  char text[9];
  std::snprintf(text, sizeof(text), "%04X", status);
  return text;
}

std::string refusal_text(NodeSettings const& node, StoreAnswer const& refusal) {
  return node.name + " refuses an instance with " + in_hex(refusal.status) +
         (refusal.comment.empty() ? "" : ": " + refusal.comment);
}

/// Of a delivery that failed, for the audit trail: nothing in the words of a node, which may name a
/// patient.
std::string reason_of(qsm::v1::Delivery const& delivery) {
  for (auto const& instance : delivery.instances())
    if (!instance.stored() && instance.status() != 0) return "REFUSED_" + in_hex(instance.status());
  return "NOT_DELIVERED";
}

std::int64_t pause_ms(std::uint32_t attempts) {
  unsigned const doublings = std::min(attempts - 1, 10U);
  return std::min(kFirstPause_ms << doublings, kLongestPause_ms);
}

}  // namespace

DeliveryQueue::DeliveryQueue(GatewayJournal& journal, Audit& audit, Settings const& settings,
                             std::filesystem::path state, NodeCalls calls, WallClock clock)
    : journal_(journal),
      audit_(audit),
      nodes_(settings.nodes),
      deliver_for_hours_(settings.deliver_for_hours),
      state_(std::move(state)),
      calls_(std::move(calls)),
      clock_(std::move(clock)) {}

DeliveryQueue::~DeliveryQueue() {
  for (auto& thread : threads_) thread.request_stop();
  woken_.notify_all();
}

void DeliveryQueue::start() {
  for (auto const& [name, node] : nodes_)
    threads_.emplace_back([this, name = name](std::stop_token stop) {
      while (!stop.stop_requested()) {
        std::unique_lock lock(mutex_);
        std::uint64_t const seen = wakes_;
        lock.unlock();
        try {
          if (step(name)) continue;
        } catch (std::exception const& error) {
          spdlog::error("deliveries to {}: {}", name, error.what());
        }
        lock.lock();
        woken_.wait_for(lock, stop, kLook, [&] { return wakes_ != seen; });
      }
    });
}

void DeliveryQueue::wake() {
  {
    std::scoped_lock const lock(mutex_);
    ++wakes_;
  }
  woken_.notify_all();
}

bool DeliveryQueue::step(std::string const& name) {
  if (auto delivery = journal_.due(name, clock_())) {
    attempt(nodes_.at(name), *delivery);
    return true;
  }
  if (auto delivery = journal_.due_to_commit(name, clock_())) {
    ask_to_commit(nodes_.at(name), *delivery);
    return true;
  }
  return false;
}

void DeliveryQueue::attempt(NodeSettings const& node, qsm::v1::Delivery& delivery) {
  delivery.set_attempts(delivery.attempts() + 1);
  std::vector<OutgoingInstance> to_send;
  std::vector<int> places;
  for (int i = 0; i < delivery.instances_size(); ++i) {
    auto const& instance = delivery.instances(i);
    if (instance.stored()) continue;
    to_send.push_back(
        {instance.sop_class_uid(), instance.sop_instance_uid(), state_ / instance.file()});
    places.push_back(i);
  }
  StoreAnswer refusal;
  auto const answered = [&](std::size_t index, StoreAnswer const& answer) {
    auto& instance = *delivery.mutable_instances(places[index]);
    instance.set_stored(answer.stored());
    instance.set_status(answer.status);
    instance.set_comment(answer.comment);
    journal_.put_instance(delivery.delivery_id(), places[index], instance);
    if (answer.stored()) return true;
    if (answer.status == kClassNotSupported)
      throw ClassRefused(refusal_text(node, answer), instance.sop_class_uid());
    refusal = answer;
    return false;
  };
  try {
    if (!to_send.empty()) calls_.send(node, to_send, answered);
  } catch (ClassRefused const& error) {
    return fall_back(delivery, error);
  } catch (NodeError const& error) {
    if (error.permanent()) return give_up(delivery, error.what());
    return postpone(delivery, error.what());
  }
  if (refusal.status != 0) {
    std::string const why = refusal_text(node, refusal);
    return refusal.temporary() ? postpone(delivery, why) : give_up(delivery, why);
  }
  if (node.commitment) return ask_to_commit(node, delivery);
  delivered(delivery);
}

/// The next attempt is due at once.
void DeliveryQueue::fall_back(qsm::v1::Delivery& delivery, ClassRefused const& refusal) try {
  auto instead = without_class(state_, delivery, refusal.sop_class_uid());
  if (!instead) return give_up(delivery, refusal.what());
  bool const fewer = instead->instances_size() < delivery.instances_size();
  instead->add_notes(std::string(refusal.what()) +
                     (fewer ? "; the result goes without it" : "; MR images go in its place"));
  journal_.replace_instances(*instead);
  spdlog::warn("delivery {}: {}", delivery.delivery_id(), instead->notes().rbegin()[0]);
} catch (FormatError const& error) {
  give_up(delivery, std::string(refusal.what()) + "; " + error.what());
}

void DeliveryQueue::delivered(qsm::v1::Delivery& delivery) {
  delivery.set_state(qsm::v1::DELIVERY_STATE_DELIVERED);
  *delivery.mutable_finished_at() = timestamp_from_ms(clock_());
  delivery.clear_next_at();
  delivery.clear_last_error();
  journal_.put_delivery(delivery);
  keep_trace(delivery, AuditOutcome::kSuccess);
  spdlog::info("delivered exam {} to {}: {} instances, attempt {}", delivery.exam_id(),
               delivery.node(), delivery.instances_size(), delivery.attempts());
}

/// Also of one that failed: some of its instances may be with the node.
void DeliveryQueue::keep_trace(qsm::v1::Delivery const& delivery, AuditOutcome outcome) {
  auto const stored = std::ranges::count_if(delivery.instances(),
                                            [](auto const& instance) { return instance.stored(); });
  audit_.record({.event = AuditEvent::kExport,
                 .action = "delivery",
                 .outcome = outcome,
                 .peer = delivery.node(),
                 .object = "exam " + delivery.exam_id() + ", job " + delivery.job_id() + ", " +
                           std::to_string(stored) + " instances",
                 .reason = outcome == AuditOutcome::kSuccess ? "" : reason_of(delivery)});
}

/// The state is journaled before the node is asked: its answer may be quicker than ours.
void DeliveryQueue::ask_to_commit(NodeSettings const& node, qsm::v1::Delivery& delivery) {
  if (hours_since_creation(delivery) >= deliver_for_hours_)
    return give_up(delivery, node.name + " has stored it, and never committed to keeping it");
  delivery.set_state(qsm::v1::DELIVERY_STATE_COMMITTING);
  delivery.set_transaction_uid(new_transaction_uid());
  *delivery.mutable_next_at() = timestamp_from_ms(clock_() + kCommitmentPatience_ms);
  delivery.clear_last_error();
  journal_.put_delivery(delivery);
  std::vector<OutgoingInstance> instances;
  for (auto const& instance : delivery.instances())
    instances.push_back({instance.sop_class_uid(), instance.sop_instance_uid(), {}});
  try {
    calls_.request_commitment(node, delivery.transaction_uid(), instances);
  } catch (NodeError const& error) {
    spdlog::warn("delivery {}: {}", delivery.delivery_id(), error.what());
    auto still = journal_.committing(delivery.transaction_uid());
    if (!still) return;  // the answer came all the same
    still->set_last_error(error.what());
    journal_.put_delivery(*still);
  }
}

void DeliveryQueue::committed(std::string const& transaction_uid,
                              std::vector<std::string> const& failed) {
  auto delivery = journal_.committing(transaction_uid);
  if (!delivery) {
    spdlog::warn("a commitment came that nobody waits for: {}", transaction_uid);
    return;
  }
  if (failed.empty()) return delivered(*delivery);
  for (int i = 0; i < delivery->instances_size(); ++i) {
    auto& instance = *delivery->mutable_instances(i);
    if (std::find(failed.begin(), failed.end(), instance.sop_instance_uid()) == failed.end())
      continue;
    instance.set_stored(false);
    journal_.put_instance(delivery->delivery_id(), i, instance);
  }
  delivery->set_state(qsm::v1::DELIVERY_STATE_QUEUED);
  postpone(*delivery, delivery->node() + " does not keep " + std::to_string(failed.size()) +
                          " instances; they are sent again");
}

double DeliveryQueue::hours_since_creation(qsm::v1::Delivery const& delivery) const {
  return static_cast<double>(clock_() - to_ms(delivery.created_at())) / 3.6e6;
}

void DeliveryQueue::postpone(qsm::v1::Delivery& delivery, std::string const& why) {
  auto const now = clock_();
  double const hours = hours_since_creation(delivery);
  if (hours >= deliver_for_hours_)
    return give_up(delivery,
                   why + "; given up after " + std::to_string(std::lround(hours)) + " hours");
  *delivery.mutable_next_at() = timestamp_from_ms(now + pause_ms(delivery.attempts()));
  delivery.set_last_error(why);
  journal_.put_delivery(delivery);
  spdlog::warn("delivery {}, attempt {}: {}; again in {} s", delivery.delivery_id(),
               delivery.attempts(), why, pause_ms(delivery.attempts()) / 1000);
}

void DeliveryQueue::give_up(qsm::v1::Delivery& delivery, std::string const& why) {
  delivery.set_state(qsm::v1::DELIVERY_STATE_FAILED);
  *delivery.mutable_finished_at() = timestamp_from_ms(clock_());
  delivery.set_last_error(why);
  journal_.put_delivery(delivery);
  keep_trace(delivery, AuditOutcome::kFailed);
  spdlog::error("delivery {} has failed and waits for `chistream deliveries --retry`: {}",
                delivery.delivery_id(), why);
}

qsm::v1::Delivery DeliveryQueue::add(qsm::v1::Delivery const& delivery) {
  auto const added = journal_.add_delivery(delivery);
  wake();
  return added;
}

qsm::v1::Delivery DeliveryQueue::retry(std::string const& delivery_id) {
  auto delivery = journal_.delivery(delivery_id);
  if (!delivery)
    throw RequestError(grpc::NOT_FOUND, "UNKNOWN_DELIVERY", "there is no such delivery");
  if (delivery->state() == qsm::v1::DELIVERY_STATE_DELIVERED) return *delivery;
  delivery->set_state(qsm::v1::DELIVERY_STATE_QUEUED);
  *delivery->mutable_next_at() = timestamp_from_ms(clock_());
  *delivery->mutable_created_at() = timestamp_from_ms(clock_());  // the hours count anew
  delivery->clear_finished_at();
  journal_.put_delivery(*delivery);
  wake();
  return *delivery;
}

}  // namespace chistream::gateway
