/// What was promised: uploads, jobs, results and the requests that made them, in one SQLite file.
///
/// The journal is the truth and the spool follows it: a file without a row is removed at the next
/// start. Every call that changes something is one transaction, on disk when the call returns. The
/// journal stores; which state may follow which is decided by whoever calls (OpenUpload, JobQueue).
///
/// Thread-safe. Two connections, each with a mutex under which no other is taken: whoever only
/// reads never waits for a write to reach the disk, and sees what was on disk before it asked.
/// Throws RequestError (NOT_FOUND UPLOAD_NOT_FOUND or JOB_NOT_FOUND, ALREADY_EXISTS
/// REQUEST_ID_REUSED, RESOURCE_EXHAUSTED DISK_FULL) and std::runtime_error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "qsm/v1/job.pb.h"
#include "qsm/v1/result.pb.h"
#include "qsm/v1/upload.pb.h"
#include "store/group_commit.hpp"
#include "store/request_error.hpp"
#include "store/sqlite.hpp"

namespace chistream {

struct UploadRecord {
  qsm::v1::Upload upload;  // credit and chunk size are not stored
  std::string tenant = {};
  std::uint64_t declared_bytes = 0;
  std::string declared_sha256;
};

/// The request that makes an upload or a job, under which a repetition finds it again. Request ids
/// are a tenant's own.
struct Origin {
  Origin(qsm::v1::CreateUploadRequest const& r, std::string const& t = "")
      : kind("upload"), tenant(t), request_id(r.request_id()), body(r.SerializeAsString()) {}
  Origin(qsm::v1::SubmitJobRequest const& r, std::string const& t = "")
      : kind("job"), tenant(t), request_id(r.request_id()), body(r.SerializeAsString()) {}
  Origin(qsm::v1::RetryJobRequest const& r, std::string const& t = "")
      : kind("retry"), tenant(t), request_id(r.request_id()), body(r.SerializeAsString()) {}
  std::string kind, tenant, request_id, body;
};

struct JobRecord {
  qsm::v1::Job job;
  std::uint32_t crashes = 0;  // attempts that ended because the worker died
  std::uint64_t epoch = 0;    // of the latest claim; 0 before the first
  std::uint64_t seq = 0;      // grows with every job
};

/// Which jobs a list is to show.
struct JobQuery {
  std::string tenant = {};
  std::uint32_t limit = 100;
  std::vector<qsm::v1::JobState> states = {};  // empty: all
  std::uint64_t before_seq = 0;                // 0: from the newest on
};

/// What a tenant has now.
struct TenantUse {
  std::uint64_t open_uploads = 0;
  std::uint64_t unfinished_jobs = 0;
  std::uint64_t upload_bytes = 0;  // in the spool, or announced
};

RequestError upload_not_found();
RequestError job_not_found();
/// Throws RequestError FAILED_PRECONDITION JOB_NOT_SUCCEEDED, NOT_FOUND RESULT_REMOVED.
void require_result(qsm::v1::Job const& job);

class Journal {
 public:
  /// Opens, creates or migrates. Throws RequestError FAILED_PRECONDITION JOURNAL_VERSION for a file
  /// that a newer server wrote.
  explicit Journal(std::filesystem::path const& path);

  /// The upload this request opened before, if any.
  std::optional<UploadRecord> created_upload(Origin const& origin);
  /// The same, or a new one.
  UploadRecord create_upload(qsm::v1::CreateUploadRequest const& request,
                             std::string const& tenant = "");
  UploadRecord upload(std::string const& upload_id);
  std::vector<UploadRecord> uploads();
  std::optional<std::string> tenant_of_upload(std::string const& upload_id);
  std::optional<std::string> tenant_of_job(std::string const& job_id);
  TenantUse use_of(std::string const& tenant);
  /// Together with those of other uploads that come at the same time.
  void set_durable_offset(std::string const& upload_id, std::uint64_t offset) {
    offsets_({upload_id, offset});
  }
  void commit_upload(std::string const& upload_id, qsm::v1::InputSummary const& summary);
  void abort_upload(std::string const& upload_id);

  /// The job this request made before, if any; the other body is ALREADY_EXISTS.
  std::optional<JobRecord> submitted_job(Origin const& origin);
  /// Stores `job` under the request, or answers the job the same request made meanwhile. Throws
  /// RequestError FAILED_PRECONDITION UPLOAD_REMOVED.
  JobRecord insert_job(Origin const& origin, qsm::v1::Job const& job);
  JobRecord job(std::string const& job_id);
  std::vector<JobRecord> newest_jobs(JobQuery const& query);
  std::vector<JobRecord> unfinished_jobs();  // oldest first
  std::vector<JobRecord> all_jobs();         // oldest first
  std::vector<std::string> jobs_with_result();

  void update_job(JobRecord const& record);
  /// Of a job that is over, which nobody else writes.
  qsm::v1::Job edit_job(std::string const& job_id, std::function<void(qsm::v1::Job&)> const& edit);
  /// The job stays, its artifacts are forgotten. Throws as require_result() does.
  void remove_result(std::string const& job_id);
  /// False if a job that is not over uses it; else the upload is no longer to be had.
  bool remove_upload(std::string const& upload_id);
  /// Gives `record` the next epoch and stores it.
  void claim_job(JobRecord& record);
  /// The job and what it produced become visible together.
  void finish_job(JobRecord const& record, std::vector<qsm::v1::Artifact> const& artifacts);
  std::vector<qsm::v1::Artifact> artifacts(std::string const& job_id);  // by name

 private:
  struct DurableOffset {
    std::string upload_id;
    std::uint64_t offset;
  };
  void write_offsets(std::vector<DurableOffset> const& offsets);
  void store_job(JobRecord const& record);

  std::mutex writing_;  // guards database_
  Database database_;
  std::mutex reading_;  // guards reader_
  Database reader_;
  GroupCommit<DurableOffset> offsets_;
};

}  // namespace chistream
