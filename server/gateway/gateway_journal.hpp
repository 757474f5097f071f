/// What the gateway must not forget: exams it began, and what was delivered where.
///
/// A row is written before what it says is acted on; every write is on disk when the call returns,
/// but for put_instance(). Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "qsm/v1/dicom.pb.h"
#include "store/sqlite.hpp"

namespace chistream::gateway {

class GatewayJournal {
 public:
  /// Opens or makes the file. Throws std::runtime_error for one of a newer version.
  explicit GatewayJournal(std::filesystem::path const& path);

  void put_exam(qsm::v1::ReceivedExam const& exam);
  std::optional<qsm::v1::ReceivedExam> exam(std::string const& exam_id);
  std::vector<qsm::v1::ReceivedExam> exams(qsm::v1::ExamState state);
  std::vector<qsm::v1::ReceivedExam> latest_exams(std::uint32_t limit);
  std::vector<qsm::v1::ReceivedExam> exams_in(std::string const& folder);

  /// The exam is done and its deliveries exist, both or neither. A delivery that is here already is
  /// left as it is.
  void finish_exam(qsm::v1::ReceivedExam const& exam,
                   std::vector<qsm::v1::Delivery> const& deliveries);

  /// Adds it unless it is there; answers the one that is there then.
  qsm::v1::Delivery add_delivery(qsm::v1::Delivery const& delivery);

  /// Without touching the instances.
  void put_delivery(qsm::v1::Delivery const& delivery);

  /// With other instances than before.
  void replace_instances(qsm::v1::Delivery const& delivery);

  /// What a node answered to one instance. Outlives the process; a power failure may take the
  /// latest ones away, and the instances then go out again under the same UIDs. A sync for each
  /// would cost as much as sending it.
  void put_instance(std::string const& delivery_id, int index,
                    qsm::v1::DeliveredInstance const& instance);

  std::optional<qsm::v1::Delivery> delivery(std::string const& delivery_id);

  /// Queued for `node` and due at `now_ms`: the one that is due for longest.
  std::optional<qsm::v1::Delivery> due(std::string const& node, std::int64_t now_ms);
  /// The same of those that wait for storage commitment.
  std::optional<qsm::v1::Delivery> due_to_commit(std::string const& node, std::int64_t now_ms);
  std::optional<qsm::v1::Delivery> committing(std::string const& transaction_uid);

  /// Newest first.
  std::vector<qsm::v1::Delivery> latest_deliveries(std::uint32_t limit);
  std::uint64_t queued(std::string const& node);

  /// How many deliveries of each node are in each state, and when the first of them was made.
  struct DeliveryCount {
    std::string node;
    qsm::v1::DeliveryState state;
    std::uint64_t count;
    std::int64_t oldest_ms;
  };
  std::vector<DeliveryCount> delivery_counts();

  /// Exams that were done before `before_ms`, or failed and were superseded, and have nothing left
  /// to deliver.
  std::vector<qsm::v1::ReceivedExam> settled_exams(std::int64_t before_ms);

  /// With its deliveries.
  void forget_exam(std::string const& exam_id);

 private:
  std::optional<qsm::v1::Delivery> due_in(qsm::v1::DeliveryState state, std::string const& node,
                                          std::int64_t now_ms);
  void write(qsm::v1::ReceivedExam const& exam);
  void insert(qsm::v1::Delivery const& delivery);
  void update(qsm::v1::Delivery const& delivery);
  void insert_instances(qsm::v1::Delivery const& delivery);
  qsm::v1::Delivery with_instances(std::string const& record);

  std::mutex mutex_;
  Database database_;
};

/// Milliseconds since 1970.
std::int64_t to_ms(google::protobuf::Timestamp const& time);

}  // namespace chistream::gateway
