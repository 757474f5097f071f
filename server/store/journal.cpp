#include "store/journal.hpp"

#include <algorithm>
#include <chrono>

#include "store/random_id.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

// `record` holds the message a client sees; the columns beside it are what is searched for.
constexpr char kSchema[] = R"(
  CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
  INSERT INTO counters VALUES('epoch', 0);
  CREATE TABLE requests(
    kind TEXT NOT NULL, request_id TEXT NOT NULL, body BLOB NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY(kind, request_id));
  CREATE TABLE uploads(
    id TEXT PRIMARY KEY, state INTEGER NOT NULL, declared_bytes INTEGER NOT NULL,
    declared_sha256 TEXT NOT NULL, durable_offset INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    summary BLOB NOT NULL);
  CREATE TABLE jobs(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, state INTEGER NOT NULL,
    crashes INTEGER NOT NULL, epoch INTEGER NOT NULL, record BLOB NOT NULL);
  CREATE INDEX jobs_by_state ON jobs(state, seq);
  CREATE TABLE artifacts(
    job_id TEXT NOT NULL REFERENCES jobs(id), name TEXT NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY(job_id, name));
)";

constexpr char kUploadColumns[] =
    "SELECT id, state, declared_bytes, declared_sha256, durable_offset, created_ms, summary "
    "FROM uploads ";
constexpr char kJobColumns[] = "SELECT crashes, epoch, record, seq FROM jobs ";

std::uint64_t now_ms() {
  auto const since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
}

template <class Message>
Message parsed(std::string const& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) throw std::runtime_error("journal: a damaged record");
  return message;
}

UploadRecord upload_from(Statement const& row) {
  UploadRecord record;
  record.upload.set_upload_id(row.bytes(0));
  record.upload.set_state(static_cast<qsm::v1::UploadState>(row.integer(1)));
  record.declared_bytes = row.integer(2);
  record.declared_sha256 = row.bytes(3);
  record.upload.set_durable_offset(row.integer(4));
  *record.upload.mutable_created_at() =
      timestamp_from_ms(static_cast<std::int64_t>(row.integer(5)));
  if (record.upload.state() == qsm::v1::UPLOAD_STATE_COMMITTED)
    *record.upload.mutable_summary() = parsed<qsm::v1::InputSummary>(row.bytes(6));
  return record;
}

JobRecord job_from(Statement const& row) {
  return {.job = parsed<qsm::v1::Job>(row.bytes(2)),
          .crashes = static_cast<std::uint32_t>(row.integer(0)),
          .epoch = row.integer(1),
          .seq = row.integer(3)};
}

}  // namespace

Journal::Journal(std::filesystem::path const& path) : database_(path) {
  Statement version(database_, "PRAGMA user_version");
  version.step();
  std::uint64_t const found = version.integer(0);
  if (found == kSchemaVersion) return;
  if (found > kSchemaVersion)
    throw RequestError(grpc::FAILED_PRECONDITION, "JOURNAL_VERSION",
                       "the journal has schema version " + std::to_string(found) +
                           ", this server knows up to " + std::to_string(kSchemaVersion));
  Transaction transaction(database_);
  database_.execute(kSchema);
  database_.execute("PRAGMA user_version=" + std::to_string(kSchemaVersion));
  transaction.commit();
}

std::optional<UploadRecord> Journal::created_upload(qsm::v1::CreateUploadRequest const& request) {
  std::scoped_lock const lock(mutex_);
  auto const earlier = requested("upload", request.request_id(), request.SerializeAsString());
  if (!earlier) return std::nullopt;
  return find_upload(*earlier);
}

UploadRecord Journal::create_upload(qsm::v1::CreateUploadRequest const& request) {
  std::string const body = request.SerializeAsString();
  std::scoped_lock const lock(mutex_);
  Transaction transaction(database_);
  if (auto const earlier = requested("upload", request.request_id(), body))
    return find_upload(*earlier);
  std::string const id = random_id();
  Statement(database_, "INSERT INTO uploads VALUES(?, ?, ?, ?, 0, ?, x'')", id,
            std::uint64_t{qsm::v1::UPLOAD_STATE_OPEN}, request.declared_bytes(), request.sha256(),
            now_ms())
      .step();
  remember("upload", request.request_id(), body, id);
  transaction.commit();
  return find_upload(id);
}

UploadRecord Journal::upload(std::string const& upload_id) {
  std::scoped_lock const lock(mutex_);
  return find_upload(upload_id);
}

std::vector<UploadRecord> Journal::uploads() {
  std::scoped_lock const lock(mutex_);
  std::vector<UploadRecord> found;
  for (Statement rows(database_, kUploadColumns); rows.step();) found.push_back(upload_from(rows));
  return found;
}

void Journal::set_durable_offset(std::string const& upload_id, std::uint64_t offset) {
  std::scoped_lock const lock(mutex_);
  Statement(database_, "UPDATE uploads SET durable_offset = ? WHERE id = ?", offset, upload_id)
      .step();
}

void Journal::commit_upload(std::string const& upload_id, qsm::v1::InputSummary const& summary) {
  std::scoped_lock const lock(mutex_);
  Statement(database_, "UPDATE uploads SET state = ?, summary = ? WHERE id = ?",
            std::uint64_t{qsm::v1::UPLOAD_STATE_COMMITTED}, Blob{summary.SerializeAsString()},
            upload_id)
      .step();
}

void Journal::abort_upload(std::string const& upload_id) {
  std::scoped_lock const lock(mutex_);
  Statement(database_, "UPDATE uploads SET state = ? WHERE id = ?",
            std::uint64_t{qsm::v1::UPLOAD_STATE_ABORTED}, upload_id)
      .step();
}

std::optional<JobRecord> Journal::submitted_job(Origin const& origin) {
  std::scoped_lock const lock(mutex_);
  auto const earlier = requested(origin.kind, origin.request_id, origin.body);
  if (!earlier) return std::nullopt;
  return find_job(*earlier);
}

JobRecord Journal::insert_job(Origin const& origin, qsm::v1::Job const& job) {
  std::scoped_lock const lock(mutex_);
  Transaction transaction(database_);
  if (auto const earlier = requested(origin.kind, origin.request_id, origin.body))
    return find_job(*earlier);
  Statement(database_, "INSERT INTO jobs(id, state, crashes, epoch, record) VALUES(?, ?, 0, 0, ?)",
            job.job_id(), static_cast<std::uint64_t>(job.state()), Blob{job.SerializeAsString()})
      .step();
  remember(origin.kind, origin.request_id, origin.body, job.job_id());
  transaction.commit();
  return {.job = job};
}

JobRecord Journal::job(std::string const& job_id) {
  std::scoped_lock const lock(mutex_);
  return find_job(job_id);
}

std::vector<JobRecord> Journal::newest_jobs(JobQuery const& query) {
  std::uint64_t wanted = 0;  // a bit for each state
  for (auto const state : query.states) wanted |= std::uint64_t{1} << state;
  std::uint64_t const before = query.before_seq > 0 ? query.before_seq : INT64_MAX;
  std::scoped_lock const lock(mutex_);
  Statement rows(database_,
                 std::string(kJobColumns) +
                     "WHERE seq < ?1 AND (?2 = 0 OR (?2 >> state) & 1) ORDER BY seq DESC LIMIT ?3",
                 before, wanted, std::uint64_t{query.limit});
  return jobs(rows);
}

std::vector<JobRecord> Journal::unfinished_jobs() {
  std::scoped_lock const lock(mutex_);
  Statement rows(database_, std::string(kJobColumns) + "WHERE state <= ? ORDER BY seq",
                 std::uint64_t{qsm::v1::JOB_STATE_CANCELLING});
  return jobs(rows);
}

std::vector<std::string> Journal::succeeded_job_ids() {
  std::scoped_lock const lock(mutex_);
  std::vector<std::string> ids;
  for (Statement rows(database_, "SELECT id FROM jobs WHERE state = ?",
                      std::uint64_t{qsm::v1::JOB_STATE_SUCCEEDED});
       rows.step();)
    ids.push_back(rows.bytes(0));
  return ids;
}

void Journal::update_job(JobRecord const& record) {
  std::scoped_lock const lock(mutex_);
  store_job(record);
}

void Journal::claim_job(JobRecord& record) {
  std::scoped_lock const lock(mutex_);
  Transaction transaction(database_);
  {
    Statement next(database_,
                   "UPDATE counters SET value = value + 1 WHERE name = 'epoch' "
                   "RETURNING value");
    next.step();
    record.epoch = next.integer(0);
  }
  store_job(record);
  transaction.commit();
}

void Journal::finish_job(JobRecord const& record, std::vector<qsm::v1::Artifact> const& artifacts) {
  std::scoped_lock const lock(mutex_);
  Transaction transaction(database_);
  for (auto const& artifact : artifacts)
    Statement(database_, "INSERT INTO artifacts VALUES(?, ?, ?)", record.job.job_id(),
              artifact.name(), Blob{artifact.SerializeAsString()})
        .step();
  store_job(record);
  transaction.commit();
}

std::vector<qsm::v1::Artifact> Journal::artifacts(std::string const& job_id) {
  std::scoped_lock const lock(mutex_);
  std::vector<qsm::v1::Artifact> found;
  for (Statement rows(database_, "SELECT record FROM artifacts WHERE job_id = ? ORDER BY name",
                      job_id);
       rows.step();)
    found.push_back(parsed<qsm::v1::Artifact>(rows.bytes(0)));
  return found;
}

std::optional<std::string> Journal::requested(char const* kind, std::string const& request_id,
                                              std::string const& body) {
  Statement row(database_, "SELECT body, target FROM requests WHERE kind = ? AND request_id = ?",
                std::string(kind), request_id);
  if (!row.step()) return std::nullopt;
  if (row.bytes(0) != body)
    throw RequestError(grpc::ALREADY_EXISTS, "REQUEST_ID_REUSED",
                       "this request_id was used before with another body",
                       "make a new request_id for every new request");
  return row.bytes(1);
}

void Journal::remember(char const* kind, std::string const& request_id, std::string const& body,
                       std::string const& target) {
  Statement(database_, "INSERT INTO requests VALUES(?, ?, ?, ?)", std::string(kind), request_id,
            Blob{body}, target)
      .step();
}

UploadRecord Journal::find_upload(std::string const& upload_id) {
  Statement row(database_, std::string(kUploadColumns) + "WHERE id = ?", upload_id);
  if (!row.step())
    throw RequestError(grpc::NOT_FOUND, "UPLOAD_NOT_FOUND", "there is no upload with this id");
  return upload_from(row);
}

JobRecord Journal::find_job(std::string const& job_id) {
  Statement row(database_, std::string(kJobColumns) + "WHERE id = ?", job_id);
  if (!row.step())
    throw RequestError(grpc::NOT_FOUND, "JOB_NOT_FOUND", "there is no job with this id");
  return job_from(row);
}

void Journal::store_job(JobRecord const& record) {
  Statement update(database_,
                   "UPDATE jobs SET state = ?, crashes = ?, epoch = ?, record = ? WHERE id = ?",
                   static_cast<std::uint64_t>(record.job.state()), std::uint64_t{record.crashes},
                   record.epoch, Blob{record.job.SerializeAsString()}, record.job.job_id());
  update.step();
}

std::vector<JobRecord> Journal::jobs(Statement& rows) {
  std::vector<JobRecord> found;
  while (rows.step()) found.push_back(job_from(rows));
  return found;
}

}  // namespace chistream
