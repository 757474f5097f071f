#include "store/journal.hpp"

#include <algorithm>
#include <chrono>

#include "store/random_id.hpp"
#include "store/request_error.hpp"
#include "store/schema.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

constexpr char kUploadColumns[] =
    "SELECT id, state, declared_bytes, declared_sha256, durable_offset, created_ms, summary, "
    "tenant FROM uploads ";
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
  record.tenant = row.bytes(7);
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

std::vector<JobRecord> jobs_from(Statement& rows) {
  std::vector<JobRecord> found;
  while (rows.step()) found.push_back(job_from(rows));
  return found;
}

UploadRecord find_upload(Database& database, std::string const& upload_id) {
  Statement row(database, std::string(kUploadColumns) + "WHERE id = ?", upload_id);
  if (!row.step()) throw upload_not_found();
  return upload_from(row);
}

JobRecord find_job(Database& database, std::string const& job_id) {
  Statement row(database, std::string(kJobColumns) + "WHERE id = ?", job_id);
  if (!row.step()) throw job_not_found();
  return job_from(row);
}

// What the request made before.
std::optional<std::string> target_of(Database& database, Origin const& origin) {
  Statement row(database,
                "SELECT body, target FROM requests "
                "WHERE tenant = ? AND kind = ? AND request_id = ?",
                origin.tenant, origin.kind, origin.request_id);
  if (!row.step()) return std::nullopt;
  if (row.bytes(0) != origin.body)
    throw RequestError(grpc::ALREADY_EXISTS, "REQUEST_ID_REUSED",
                       "this request_id was used before with another body",
                       "make a new request_id for every new request");
  return row.bytes(1);
}

void remember(Database& database, Origin const& origin, std::string const& target) {
  Statement(database, "INSERT INTO requests VALUES(?, ?, ?, ?, ?)", origin.tenant, origin.kind,
            origin.request_id, Blob{origin.body}, target)
      .step();
}

}  // namespace

RequestError upload_not_found() {
  return {grpc::NOT_FOUND, "UPLOAD_NOT_FOUND", "there is no upload with this id"};
}

RequestError job_not_found() {
  return {grpc::NOT_FOUND, "JOB_NOT_FOUND", "there is no job with this id"};
}

void require_result(qsm::v1::Job const& job) {
  if (job.state() != qsm::v1::JOB_STATE_SUCCEEDED)
    throw RequestError(grpc::FAILED_PRECONDITION, "JOB_NOT_SUCCEEDED",
                       "there is no result, the job is in " + qsm::v1::JobState_Name(job.state()));
  if (job.has_result_removed_at())
    throw RequestError(grpc::NOT_FOUND, "RESULT_REMOVED",
                       "the result was deleted, or kept for as long as this server keeps them",
                       "submit the exam again: the same input gives the same map");
}

Journal::Journal(std::filesystem::path const& path)
    : database_(path), reader_(path), offsets_([this](auto const& all) { write_offsets(all); }) {
  bring_up_to_date(database_);
}

std::optional<UploadRecord> Journal::created_upload(Origin const& origin) {
  std::scoped_lock const lock(reading_);
  auto const earlier = target_of(reader_, origin);
  if (!earlier) return std::nullopt;
  return find_upload(reader_, *earlier);
}

UploadRecord Journal::create_upload(qsm::v1::CreateUploadRequest const& request,
                                    std::string const& tenant) {
  Origin const origin(request, tenant);
  std::scoped_lock const lock(writing_);
  Transaction transaction(database_);
  if (auto const earlier = target_of(database_, origin)) return find_upload(database_, *earlier);
  std::string const id = random_id();
  Statement(database_,
            "INSERT INTO uploads(id, state, declared_bytes, declared_sha256, durable_offset, "
            "created_ms, summary, tenant) VALUES(?, ?, ?, ?, 0, ?, x'', ?)",
            id, std::uint64_t{qsm::v1::UPLOAD_STATE_OPEN}, request.declared_bytes(),
            request.sha256(), now_ms(), tenant)
      .step();
  remember(database_, origin, id);
  transaction.commit();
  return find_upload(database_, id);
}

UploadRecord Journal::upload(std::string const& upload_id) {
  std::scoped_lock const lock(reading_);
  return find_upload(reader_, upload_id);
}

std::vector<UploadRecord> Journal::uploads() {
  std::scoped_lock const lock(reading_);
  std::vector<UploadRecord> found;
  for (Statement rows(reader_, kUploadColumns); rows.step();) found.push_back(upload_from(rows));
  return found;
}

std::optional<std::string> Journal::tenant_of_upload(std::string const& upload_id) {
  std::scoped_lock const lock(reading_);
  Statement row(reader_, "SELECT tenant FROM uploads WHERE id = ?", upload_id);
  return row.step() ? std::optional(row.bytes(0)) : std::nullopt;
}

std::optional<std::string> Journal::tenant_of_job(std::string const& job_id) {
  std::scoped_lock const lock(reading_);
  Statement row(reader_, "SELECT tenant FROM jobs WHERE id = ?", job_id);
  return row.step() ? std::optional(row.bytes(0)) : std::nullopt;
}

TenantUse Journal::use_of(std::string const& tenant) {
  std::scoped_lock const lock(reading_);
  Statement uploads(reader_,
                    "SELECT COUNT(*) FILTER (WHERE state = ?2), "
                    "IFNULL(SUM(MAX(declared_bytes, durable_offset)), 0) "
                    "FROM uploads WHERE tenant = ?1 AND state IN (?2, ?3)",
                    tenant, std::uint64_t{qsm::v1::UPLOAD_STATE_OPEN},
                    std::uint64_t{qsm::v1::UPLOAD_STATE_COMMITTED});
  uploads.step();
  Statement jobs(reader_, "SELECT COUNT(*) FROM jobs WHERE tenant = ? AND state <= ?", tenant,
                 std::uint64_t{qsm::v1::JOB_STATE_CANCELLING});
  jobs.step();
  return {.open_uploads = uploads.integer(0),
          .unfinished_jobs = jobs.integer(0),
          .upload_bytes = uploads.integer(1)};
}

void Journal::write_offsets(std::vector<DurableOffset> const& offsets) {
  std::scoped_lock const lock(writing_);
  Transaction transaction(database_);
  for (auto const& [upload_id, offset] : offsets)
    Statement(database_, "UPDATE uploads SET durable_offset = ? WHERE id = ?", offset, upload_id)
        .step();
  transaction.commit();
}

void Journal::commit_upload(std::string const& upload_id, qsm::v1::InputSummary const& summary) {
  std::scoped_lock const lock(writing_);
  Statement(database_, "UPDATE uploads SET state = ?, summary = ? WHERE id = ?",
            std::uint64_t{qsm::v1::UPLOAD_STATE_COMMITTED}, Blob{summary.SerializeAsString()},
            upload_id)
      .step();
}

void Journal::abort_upload(std::string const& upload_id) {
  std::scoped_lock const lock(writing_);
  Statement(database_, "UPDATE uploads SET state = ? WHERE id = ?",
            std::uint64_t{qsm::v1::UPLOAD_STATE_ABORTED}, upload_id)
      .step();
}

std::optional<JobRecord> Journal::submitted_job(Origin const& origin) {
  std::scoped_lock const lock(reading_);
  auto const earlier = target_of(reader_, origin);
  if (!earlier) return std::nullopt;
  return find_job(reader_, *earlier);
}

JobRecord Journal::insert_job(Origin const& origin, qsm::v1::Job const& job) {
  std::scoped_lock const lock(writing_);
  Transaction transaction(database_);
  if (auto const earlier = target_of(database_, origin)) return find_job(database_, *earlier);
  Statement removed(database_, "SELECT 1 FROM uploads WHERE id = ? AND state = ?",
                    job.spec().upload_id(), std::uint64_t{qsm::v1::UPLOAD_STATE_REMOVED});
  if (removed.step())
    throw RequestError(grpc::FAILED_PRECONDITION, "UPLOAD_REMOVED",
                       "the exam is no longer kept here", "upload it again");
  Statement(database_,
            "INSERT INTO jobs(id, state, crashes, epoch, record, tenant) VALUES(?, ?, 0, 0, ?, ?)",
            job.job_id(), static_cast<std::uint64_t>(job.state()), Blob{job.SerializeAsString()},
            origin.tenant)
      .step();
  remember(database_, origin, job.job_id());
  transaction.commit();
  return {.job = job};
}

JobRecord Journal::job(std::string const& job_id) {
  std::scoped_lock const lock(reading_);
  return find_job(reader_, job_id);
}

std::vector<JobRecord> Journal::newest_jobs(JobQuery const& query) {
  std::uint64_t wanted = 0;  // a bit for each state
  for (auto const state : query.states) wanted |= std::uint64_t{1} << state;
  std::uint64_t const before = query.before_seq > 0 ? query.before_seq : INT64_MAX;
  std::scoped_lock const lock(reading_);
  Statement rows(reader_,
                 std::string(kJobColumns) +
                     "WHERE tenant = ?4 AND seq < ?1 AND (?2 = 0 OR (?2 >> state) & 1) "
                     "ORDER BY seq DESC LIMIT ?3",
                 before, wanted, std::uint64_t{query.limit}, query.tenant);
  return jobs_from(rows);
}

std::vector<JobRecord> Journal::unfinished_jobs() {
  std::scoped_lock const lock(reading_);
  Statement rows(reader_, std::string(kJobColumns) + "WHERE state <= ? ORDER BY seq",
                 std::uint64_t{qsm::v1::JOB_STATE_CANCELLING});
  return jobs_from(rows);
}

std::vector<JobRecord> Journal::all_jobs() {
  std::scoped_lock const lock(reading_);
  Statement rows(reader_, std::string(kJobColumns) + "ORDER BY seq");
  return jobs_from(rows);
}

std::vector<std::string> Journal::jobs_with_result() {
  std::vector<std::string> ids;
  for (JobRecord const& record : all_jobs())
    if (record.job.state() == qsm::v1::JOB_STATE_SUCCEEDED && !record.job.has_result_removed_at())
      ids.push_back(record.job.job_id());
  return ids;
}

qsm::v1::Job Journal::edit_job(std::string const& job_id,
                               std::function<void(qsm::v1::Job&)> const& edit) {
  std::scoped_lock const lock(writing_);
  JobRecord record = find_job(database_, job_id);
  edit(record.job);
  store_job(record);
  return record.job;
}

void Journal::remove_result(std::string const& job_id) {
  std::scoped_lock const lock(writing_);
  JobRecord record = find_job(database_, job_id);
  require_result(record.job);
  *record.job.mutable_result_removed_at() = timestamp_now();
  Transaction transaction(database_);
  Statement(database_, "DELETE FROM artifacts WHERE job_id = ?", job_id).step();
  store_job(record);
  transaction.commit();
}

bool Journal::remove_upload(std::string const& upload_id) {
  std::scoped_lock const lock(writing_);
  Statement rows(database_, std::string(kJobColumns) + "WHERE state <= ?",
                 std::uint64_t{qsm::v1::JOB_STATE_CANCELLING});
  for (JobRecord const& record : jobs_from(rows))
    if (record.job.spec().upload_id() == upload_id) return false;
  Statement(database_, "UPDATE uploads SET state = ? WHERE id = ?",
            std::uint64_t{qsm::v1::UPLOAD_STATE_REMOVED}, upload_id)
      .step();
  return true;
}

void Journal::update_job(JobRecord const& record) {
  std::scoped_lock const lock(writing_);
  store_job(record);
}

void Journal::claim_job(JobRecord& record) {
  std::scoped_lock const lock(writing_);
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
  std::scoped_lock const lock(writing_);
  Transaction transaction(database_);
  for (auto const& artifact : artifacts)
    Statement(database_, "INSERT INTO artifacts VALUES(?, ?, ?)", record.job.job_id(),
              artifact.name(), Blob{artifact.SerializeAsString()})
        .step();
  store_job(record);
  transaction.commit();
}

std::vector<qsm::v1::Artifact> Journal::artifacts(std::string const& job_id) {
  std::scoped_lock const lock(reading_);
  std::vector<qsm::v1::Artifact> found;
  for (Statement rows(reader_, "SELECT record FROM artifacts WHERE job_id = ? ORDER BY name",
                      job_id);
       rows.step();)
    found.push_back(parsed<qsm::v1::Artifact>(rows.bytes(0)));
  return found;
}

void Journal::store_job(JobRecord const& record) {
  Statement update(database_,
                   "UPDATE jobs SET state = ?, crashes = ?, epoch = ?, record = ? WHERE id = ?",
                   static_cast<std::uint64_t>(record.job.state()), std::uint64_t{record.crashes},
                   record.epoch, Blob{record.job.SerializeAsString()}, record.job.job_id());
  update.step();
}

}  // namespace chistream
