#include "store/retention.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

using Time = Retention::Time;

Time time_of(google::protobuf::Timestamp const& stamp) {
  return Time(std::chrono::seconds(stamp.seconds()));
}

}  // namespace

std::optional<Time> Retention::due(qsm::v1::Job const& job) const {
  if (policy_.results.count() == 0) return std::nullopt;
  Time const usual = time_of(job.finished_at()) + policy_.results;
  return job.has_keep_until() ? std::max(usual, time_of(job.keep_until())) : usual;
}

void Retention::run(Time now) {
  std::map<std::string, Time> last_use;  // of every exam
  std::vector<std::string> due_results;
  for (JobRecord const& record : journal_.all_jobs()) {
    qsm::v1::Job const& job = record.job;
    bool const over = job.state() >= qsm::v1::JOB_STATE_SUCCEEDED;
    Time& used = last_use[job.spec().upload_id()];
    used = over ? std::max(used, time_of(job.finished_at())) : Time::max();
    if (job.state() != qsm::v1::JOB_STATE_SUCCEEDED || job.has_result_removed_at()) continue;
    if (auto const end = due(job); end && *end < now) due_results.push_back(job.job_id());
  }
  for (std::string const& id : due_results) remove_result(id, "kept long enough");
  for (UploadRecord const& record : journal_.uploads()) {
    std::string const& id = record.upload.upload_id();
    Time const created = time_of(record.upload.created_at());
    auto const used = last_use.find(id);
    Time const last = used == last_use.end() ? created : std::max(created, used->second);
    bool const committed = record.upload.state() == qsm::v1::UPLOAD_STATE_COMMITTED;
    bool const open = record.upload.state() == qsm::v1::UPLOAD_STATE_OPEN;
    if (committed && policy_.exams.count() > 0 && last < now - policy_.exams)
      remove_exam(id, "kept long enough");
    if (open && policy_.open.count() > 0 && created < now - policy_.open)
      remove_exam(id, "never committed");
  }
}

void Retention::delete_result(std::string const& job_id) {
  std::string const upload = journal_.job(job_id).job.spec().upload_id();
  remove_result(job_id, "asked for");
  bool const used = std::ranges::any_of(journal_.all_jobs(), [&](JobRecord const& other) {
    return other.job.spec().upload_id() == upload && other.job.job_id() != job_id &&
           !other.job.has_result_removed_at();
  });
  if (!used) remove_exam(upload, "asked for");
}

std::optional<Time> Retention::extend(std::string const& job_id, Time keep_until) {
  qsm::v1::Job const job = journal_.edit_job(job_id, [&](qsm::v1::Job& edited) {
    require_result(edited);
    auto const already = due(edited);
    if (already && keep_until > *already)
      edited.mutable_keep_until()->set_seconds(
          std::chrono::duration_cast<std::chrono::seconds>(keep_until.time_since_epoch()).count());
  });
  return due(job);
}

void Retention::remove_result(std::string const& job_id, char const* why) {
  journal_.remove_result(job_id);
  spool_.remove_result(job_id);
  spdlog::info("job {}: result removed, {}", job_id, why);
}

void Retention::remove_exam(std::string const& upload_id, char const* why) {
  if (!journal_.remove_upload(upload_id)) return;  // a job was submitted meanwhile
  spool_.remove_upload(upload_id);
  spdlog::info("upload {}: removed, {}", upload_id, why);
}

}  // namespace chistream
