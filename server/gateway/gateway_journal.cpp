#include "gateway/gateway_journal.hpp"

#include <stdexcept>

namespace chistream::gateway {

namespace {

constexpr std::uint64_t kVersion = 1;

template <class Message>
Message parsed(std::string const& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) throw std::runtime_error("a damaged row in gateway.db");
  return message;
}

template <class Message>
std::vector<Message> all(Statement& statement) {
  std::vector<Message> found;
  while (statement.step()) found.push_back(parsed<Message>(statement.bytes(0)));
  return found;
}

/// Writes without a sync of their own; the next write that has one takes them along.
class Unsynced {
 public:
  explicit Unsynced(Database& database) : database_(database) {
    database_.execute("PRAGMA synchronous=NORMAL");
  }
  ~Unsynced() { database_.execute("PRAGMA synchronous=FULL"); }
  Unsynced(Unsynced const&) = delete;

 private:
  Database& database_;
};

qsm::v1::Delivery without_instances(qsm::v1::Delivery delivery) {
  delivery.clear_instances();
  return delivery;
}

}  // namespace

std::int64_t to_ms(google::protobuf::Timestamp const& time) {
  return time.seconds() * 1000 + time.nanos() / 1'000'000;
}

GatewayJournal::GatewayJournal(std::filesystem::path const& path) : database_(path) {
  Statement version(database_, "PRAGMA user_version");
  version.step();
  if (version.integer(0) > kVersion)
    throw std::runtime_error(path.string() + " was written by a newer gateway");
  database_.execute(
      "CREATE TABLE IF NOT EXISTS exam(id TEXT PRIMARY KEY, state INTEGER NOT NULL,"
      " changed_ms INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS delivery(number INTEGER PRIMARY KEY AUTOINCREMENT,"
      " id TEXT NOT NULL UNIQUE, exam TEXT NOT NULL, node TEXT NOT NULL, state INTEGER NOT NULL,"
      " next_ms INTEGER NOT NULL, record BLOB NOT NULL);"
      "CREATE INDEX IF NOT EXISTS delivery_due ON delivery(node, state, next_ms);"
      "CREATE INDEX IF NOT EXISTS delivery_exam ON delivery(exam);"
      "CREATE TABLE IF NOT EXISTS instance(delivery TEXT NOT NULL, place INTEGER NOT NULL,"
      " record BLOB NOT NULL, PRIMARY KEY(delivery, place)) WITHOUT ROWID;"
      "PRAGMA user_version = 1");
}

void GatewayJournal::write(qsm::v1::ReceivedExam const& exam) {
  auto const changed = to_ms(exam.has_finished_at() ? exam.finished_at() : exam.started_at());
  Statement(database_, "INSERT OR REPLACE INTO exam VALUES(?, ?, ?, ?)", exam.exam_id(),
            static_cast<std::uint64_t>(exam.state()), static_cast<std::uint64_t>(changed),
            Blob{exam.SerializeAsString()})
      .step();
}

void GatewayJournal::put_exam(qsm::v1::ReceivedExam const& exam) {
  std::scoped_lock const lock(mutex_);
  write(exam);
}

std::optional<qsm::v1::ReceivedExam> GatewayJournal::exam(std::string const& exam_id) {
  std::scoped_lock const lock(mutex_);
  Statement row(database_, "SELECT record FROM exam WHERE id = ?", exam_id);
  if (!row.step()) return std::nullopt;
  return parsed<qsm::v1::ReceivedExam>(row.bytes(0));
}

std::vector<qsm::v1::ReceivedExam> GatewayJournal::exams(qsm::v1::ExamState state) {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_, "SELECT record FROM exam WHERE state = ? ORDER BY changed_ms",
                 static_cast<std::uint64_t>(state));
  return all<qsm::v1::ReceivedExam>(rows);
}

std::vector<qsm::v1::ReceivedExam> GatewayJournal::latest_exams(std::uint32_t limit) {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_, "SELECT record FROM exam ORDER BY changed_ms DESC LIMIT ?",
                 std::uint64_t{limit});
  return all<qsm::v1::ReceivedExam>(rows);
}

/// The folder stands in the record alone: rows are searched as bytes, so that only what may be of
/// this folder is parsed.
std::vector<qsm::v1::ReceivedExam> GatewayJournal::exams_in(std::string const& folder) {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_, "SELECT record FROM exam WHERE instr(record, ?) > 0", Blob{folder});
  auto found = all<qsm::v1::ReceivedExam>(rows);
  std::erase_if(found, [&](qsm::v1::ReceivedExam const& exam) { return exam.folder() != folder; });
  return found;
}

void GatewayJournal::insert(qsm::v1::Delivery const& delivery) {
  Statement exists(database_, "SELECT 1 FROM delivery WHERE id = ?", delivery.delivery_id());
  if (exists.step()) return;
  Statement(database_,
            "INSERT INTO delivery(id, exam, node, state, next_ms, record) VALUES(?, ?, ?, ?, ?, ?)",
            delivery.delivery_id(), delivery.exam_id(), delivery.node(),
            static_cast<std::uint64_t>(delivery.state()),
            static_cast<std::uint64_t>(to_ms(delivery.next_at())),
            Blob{without_instances(delivery).SerializeAsString()})
      .step();
  insert_instances(delivery);
}

void GatewayJournal::insert_instances(qsm::v1::Delivery const& delivery) {
  for (int i = 0; i < delivery.instances_size(); ++i)
    Statement(database_, "INSERT INTO instance VALUES(?, ?, ?)", delivery.delivery_id(),
              static_cast<std::uint64_t>(i), Blob{delivery.instances(i).SerializeAsString()})
        .step();
}

void GatewayJournal::finish_exam(qsm::v1::ReceivedExam const& exam,
                                 std::vector<qsm::v1::Delivery> const& deliveries) {
  std::scoped_lock const lock(mutex_);
  Transaction transaction(database_);
  for (auto const& delivery : deliveries) insert(delivery);
  write(exam);
  transaction.commit();
}

qsm::v1::Delivery GatewayJournal::add_delivery(qsm::v1::Delivery const& delivery) {
  {
    std::scoped_lock const lock(mutex_);
    Transaction transaction(database_);
    insert(delivery);
    transaction.commit();
  }
  return this->delivery(delivery.delivery_id()).value();
}

void GatewayJournal::put_delivery(qsm::v1::Delivery const& delivery) {
  std::scoped_lock const lock(mutex_);
  update(delivery);
}

void GatewayJournal::replace_instances(qsm::v1::Delivery const& delivery) {
  std::scoped_lock const lock(mutex_);
  Transaction transaction(database_);
  update(delivery);
  Statement(database_, "DELETE FROM instance WHERE delivery = ?", delivery.delivery_id()).step();
  insert_instances(delivery);
  transaction.commit();
}

void GatewayJournal::update(qsm::v1::Delivery const& delivery) {
  Statement(database_, "UPDATE delivery SET state = ?, next_ms = ?, record = ? WHERE id = ?",
            static_cast<std::uint64_t>(delivery.state()),
            static_cast<std::uint64_t>(to_ms(delivery.next_at())),
            Blob{without_instances(delivery).SerializeAsString()}, delivery.delivery_id())
      .step();
}

void GatewayJournal::put_instance(std::string const& delivery_id, int index,
                                  qsm::v1::DeliveredInstance const& instance) {
  std::scoped_lock const lock(mutex_);
  Unsynced const until_the_next_write(database_);
  Statement(database_, "UPDATE instance SET record = ? WHERE delivery = ? AND place = ?",
            Blob{instance.SerializeAsString()}, delivery_id, static_cast<std::uint64_t>(index))
      .step();
}

qsm::v1::Delivery GatewayJournal::with_instances(std::string const& record) {
  auto delivery = parsed<qsm::v1::Delivery>(record);
  Statement rows(database_, "SELECT record FROM instance WHERE delivery = ? ORDER BY place",
                 delivery.delivery_id());
  while (rows.step()) *delivery.add_instances() = parsed<qsm::v1::DeliveredInstance>(rows.bytes(0));
  return delivery;
}

std::optional<qsm::v1::Delivery> GatewayJournal::delivery(std::string const& delivery_id) {
  std::scoped_lock const lock(mutex_);
  Statement row(database_, "SELECT record FROM delivery WHERE id = ?", delivery_id);
  if (!row.step()) return std::nullopt;
  return with_instances(row.bytes(0));
}

std::optional<qsm::v1::Delivery> GatewayJournal::due(std::string const& node, std::int64_t now_ms) {
  return due_in(qsm::v1::DELIVERY_STATE_QUEUED, node, now_ms);
}

std::optional<qsm::v1::Delivery> GatewayJournal::due_to_commit(std::string const& node,
                                                               std::int64_t now_ms) {
  return due_in(qsm::v1::DELIVERY_STATE_COMMITTING, node, now_ms);
}

std::optional<qsm::v1::Delivery> GatewayJournal::committing(std::string const& transaction_uid) {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_, "SELECT record FROM delivery WHERE state = ?",
                 static_cast<std::uint64_t>(qsm::v1::DELIVERY_STATE_COMMITTING));
  while (rows.step())
    if (parsed<qsm::v1::Delivery>(rows.bytes(0)).transaction_uid() == transaction_uid)
      return with_instances(rows.bytes(0));
  return std::nullopt;
}

std::optional<qsm::v1::Delivery> GatewayJournal::due_in(qsm::v1::DeliveryState state,
                                                        std::string const& node,
                                                        std::int64_t now_ms) {
  std::scoped_lock const lock(mutex_);
  Statement row(database_,
                "SELECT record FROM delivery WHERE node = ? AND state = ? AND next_ms <= ?"
                " ORDER BY next_ms, number LIMIT 1",
                node, static_cast<std::uint64_t>(state), static_cast<std::uint64_t>(now_ms));
  if (!row.step()) return std::nullopt;
  return with_instances(row.bytes(0));
}

std::vector<qsm::v1::Delivery> GatewayJournal::latest_deliveries(std::uint32_t limit) {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_, "SELECT record FROM delivery ORDER BY number DESC LIMIT ?",
                 std::uint64_t{limit});
  std::vector<qsm::v1::Delivery> found;
  while (rows.step()) found.push_back(with_instances(rows.bytes(0)));
  return found;
}

std::uint64_t GatewayJournal::queued(std::string const& node) {
  std::scoped_lock const lock(mutex_);
  Statement row(database_, "SELECT COUNT(*) FROM delivery WHERE node = ? AND state = ?", node,
                static_cast<std::uint64_t>(qsm::v1::DELIVERY_STATE_QUEUED));
  row.step();
  return row.integer(0);
}

/// SQLite takes the other columns of a group from the row that has its minimum.
std::vector<GatewayJournal::DeliveryCount> GatewayJournal::delivery_counts() {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_,
                 "SELECT record, COUNT(*), MIN(number) FROM delivery GROUP BY node, state");
  std::vector<DeliveryCount> counts;
  while (rows.step()) {
    auto const oldest = parsed<qsm::v1::Delivery>(rows.bytes(0));
    counts.push_back({oldest.node(), oldest.state(), rows.integer(1), to_ms(oldest.created_at())});
  }
  return counts;
}

std::vector<qsm::v1::ReceivedExam> GatewayJournal::settled_exams(std::int64_t before_ms) {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_,
                 "SELECT record FROM exam WHERE state IN (?, ?) AND changed_ms < ? AND NOT EXISTS"
                 " (SELECT 1 FROM delivery WHERE exam = exam.id AND delivery.state <> ?)",
                 static_cast<std::uint64_t>(qsm::v1::EXAM_STATE_DONE),
                 static_cast<std::uint64_t>(qsm::v1::EXAM_STATE_FAILED),
                 static_cast<std::uint64_t>(before_ms),
                 static_cast<std::uint64_t>(qsm::v1::DELIVERY_STATE_DELIVERED));
  auto settled = all<qsm::v1::ReceivedExam>(rows);
  std::erase_if(settled, [](qsm::v1::ReceivedExam const& exam) {
    return exam.state() == qsm::v1::EXAM_STATE_FAILED && exam.superseded_by().empty();
  });
  return settled;
}

void GatewayJournal::forget_exam(std::string const& exam_id) {
  std::scoped_lock const lock(mutex_);
  Transaction transaction(database_);
  Statement(database_,
            "DELETE FROM instance WHERE delivery IN (SELECT id FROM delivery WHERE exam = ?)",
            exam_id)
      .step();
  Statement(database_, "DELETE FROM delivery WHERE exam = ?", exam_id).step();
  Statement(database_, "DELETE FROM exam WHERE id = ?", exam_id).step();
  transaction.commit();
}

}  // namespace chistream::gateway
