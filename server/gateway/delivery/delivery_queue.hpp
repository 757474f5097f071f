/// Brings results to the nodes, however long they do not answer.
///
/// One thread per node: a slow one holds up no other. An attempt sends, in order, the instances
/// that the node has not stored yet, and journals each answer before the next is sent. What fails
/// for a passing reason is tried again after 10 s, twice as long each time and 15 minutes at most,
/// for Settings::deliver_for_hours. A node that does not take a class gets MR images in its place
/// (without_class()), and the delivery says so. An instance that is refused for good ends the
/// delivery: FAILED, until somebody retries it. From a node that commits to storage, delivered
/// means that it said it keeps the instances; it is asked again every ten minutes. Nothing here
/// ever reconstructs anything.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/delivery/store_user.hpp"
#include "gateway/gateway_journal.hpp"
#include "security/audit.hpp"

namespace chistream::gateway {

/// store_instances() or stow_instances() bound to a node; a test puts another in its place.
using SendInstances =
    std::function<void(NodeSettings const&, std::vector<OutgoingInstance> const&,
                       std::function<bool(std::size_t, StoreAnswer const&)> const& answered)>;

/// request_commitment() bound to it.
using RequestCommitment = std::function<void(
    NodeSettings const&, std::string const& transaction_uid, std::vector<OutgoingInstance> const&)>;

/// How nodes are reached.
struct NodeCalls {
  SendInstances send;
  RequestCommitment request_commitment;
};

/// Milliseconds since 1970.
using WallClock = std::function<std::int64_t()>;

class DeliveryQueue {
 public:
  /// `state`: the folder that files of deliveries are named from. Starts no thread.
  DeliveryQueue(GatewayJournal& journal, Audit& audit, Settings const& settings,
                std::filesystem::path state, NodeCalls calls, WallClock clock);
  ~DeliveryQueue();
  DeliveryQueue(DeliveryQueue const&) = delete;

  /// From now on deliveries go out by themselves.
  void start();

  /// There is something new to deliver.
  void wake();

  /// Tries what is due for `node`; false: nothing was.
  bool step(std::string const& node);

  /// A node answered a request for storage commitment: it keeps all but `failed`, which are sent
  /// again. An answer to no request of ours is told in the log.
  void committed(std::string const& transaction_uid, std::vector<std::string> const& failed);

  /// Goes out at once; answers the one with this id if there is one.
  qsm::v1::Delivery add(qsm::v1::Delivery const& delivery);

  /// Due at once, also one that was given up. Throws RequestError NOT_FOUND UNKNOWN_DELIVERY.
  qsm::v1::Delivery retry(std::string const& delivery_id);

 private:
  void ask_to_commit(NodeSettings const& node, qsm::v1::Delivery& delivery);
  void delivered(qsm::v1::Delivery& delivery);
  void keep_trace(qsm::v1::Delivery const& delivery, AuditOutcome outcome);
  void attempt(NodeSettings const& node, qsm::v1::Delivery& delivery);
  void fall_back(qsm::v1::Delivery& delivery, ClassRefused const& refusal);
  double hours_since_creation(qsm::v1::Delivery const& delivery) const;
  void postpone(qsm::v1::Delivery& delivery, std::string const& why);
  void give_up(qsm::v1::Delivery& delivery, std::string const& why);

  GatewayJournal& journal_;
  Audit& audit_;
  std::map<std::string, NodeSettings> nodes_;
  double deliver_for_hours_;
  std::filesystem::path state_;
  NodeCalls calls_;
  WallClock clock_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  std::uint64_t wakes_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace chistream::gateway
