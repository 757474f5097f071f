#include "daemon/job_service.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "daemon/job_spec.hpp"
#include "daemon/request_checks.hpp"
#include "daemon/status.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

constexpr std::uint32_t kDefaultListed = 100;
constexpr std::uint32_t kMostListed = 1000;  // keeps the answer below gRPC's 4 MiB
constexpr std::chrono::milliseconds kProgressPause{250};
constexpr std::chrono::seconds kHeartbeat{5};

JobQuery query_of(qsm::v1::ListJobsRequest const& request) {
  JobQuery query;
  query.limit = std::min(request.limit() == 0 ? kDefaultListed : request.limit(), kMostListed);
  for (int const state : request.states()) {
    if (!qsm::v1::JobState_IsValid(state) || state == qsm::v1::JOB_STATE_UNSPECIFIED)
      throw RequestError(grpc::INVALID_ARGUMENT, "UNKNOWN_STATE",
                         "there is no job state " + std::to_string(state));
    query.states.push_back(static_cast<qsm::v1::JobState>(state));
  }
  std::string const& token = request.page_token();
  auto const [end, error] =
      std::from_chars(token.data(), token.data() + token.size(), query.before_seq);
  bool const whole = error == std::errc{} && end == token.data() + token.size();
  if (!token.empty() && (!whole || query.before_seq > INT64_MAX))
    throw RequestError(grpc::INVALID_ARGUMENT, "BAD_PAGE_TOKEN",
                       "a page_token is what an earlier answer gave");
  return query;
}

}  // namespace

JobService::JobService(Journal& journal, Spool& spool, JobQueue& queue, WorkerChoice const& worker)
    : journal_(journal),
      spool_(spool),
      queue_(queue),
      estimate_(worker.program, worker.largest_device_bytes()),
      catalogue_(worker.catalogue) {}

JobService::Asked JobService::ask(qsm::v1::JobSpec const& spec) const {
  qsm::v1::JobSpec const resolved = resolve(spec, catalogue_);
  auto const state = journal_.upload(resolved.upload_id()).upload.state();
  if (state != qsm::v1::UPLOAD_STATE_COMMITTED)
    throw RequestError(grpc::FAILED_PRECONDITION, "UPLOAD_NOT_COMMITTED",
                       "the upload is not committed", "call CommitUpload first");
  return {resolved, estimate_(resolved, spool_.upload(resolved.upload_id()))};
}

grpc::Status JobService::SubmitJob(grpc::ServerContext*, qsm::v1::SubmitJobRequest const* request,
                                   qsm::v1::Job* response) {
  return answer("SubmitJob", [&] {
    check_request_id(request->request_id());
    // A repetition is answered as the first time, whatever became of pipelines since.
    if (auto const earlier = journal_.submitted_job(*request)) {
      *response = queue_.job(earlier->job.job_id());
      return;
    }
    Asked const asked = ask(request->spec());
    require_fit(asked.estimate);
    *response = queue_.submit(*request, asked.spec, asked.estimate.peak_bytes());
  });
}

grpc::Status JobService::EstimateJob(grpc::ServerContext*, qsm::v1::JobSpec const* request,
                                     qsm::v1::Estimate* response) {
  return answer("EstimateJob", [&] { *response = ask(*request).estimate; });
}

grpc::Status JobService::GetJob(grpc::ServerContext*, qsm::v1::JobRef const* request,
                                qsm::v1::Job* response) {
  return answer("GetJob", [&] { *response = queue_.job(request->job_id()); });
}

grpc::Status JobService::ListJobs(grpc::ServerContext*, qsm::v1::ListJobsRequest const* request,
                                  qsm::v1::ListJobsResponse* response) {
  return answer("ListJobs", [&] {
    JobQuery const query = query_of(*request);
    auto records = queue_.list(query);
    if (records.size() == query.limit)
      response->set_next_page_token(std::to_string(records.back().seq));
    for (auto& record : records) *response->add_jobs() = std::move(record.job);
  });
}

grpc::Status JobService::WatchJob(grpc::ServerContext* context,
                                  qsm::v1::WatchJobRequest const* request,
                                  grpc::ServerWriter<qsm::v1::JobEvent>* stream) {
  return answer("WatchJob", [&] {
    JobQueue::Snapshot snapshot = queue_.snapshot(request->job_id());
    for (std::uint64_t seq = 1;; ++seq) {
      qsm::v1::JobEvent event;
      event.set_seq(seq);
      *event.mutable_at() = timestamp_now();
      *event.mutable_job() = snapshot.job;
      if (!stream->Write(event) || snapshot.job.state() >= qsm::v1::JOB_STATE_SUCCEEDED) return;
      auto const now = JobQueue::Clock::now();
      snapshot = queue_.wait(snapshot, now + kProgressPause, now + kHeartbeat);
      if (context->IsCancelled()) return;
    }
  });
}

grpc::Status JobService::CancelJob(grpc::ServerContext*, qsm::v1::JobRef const* request,
                                   qsm::v1::Job* response) {
  return answer("CancelJob", [&] { *response = queue_.cancel(request->job_id()); });
}

grpc::Status JobService::SetPriority(grpc::ServerContext*,
                                     qsm::v1::SetPriorityRequest const* request,
                                     qsm::v1::Job* response) {
  return answer("SetPriority", [&] {
    check_priority(request->priority());
    if (request->priority() == qsm::v1::PRIORITY_UNSPECIFIED)
      throw RequestError(grpc::INVALID_ARGUMENT, "UNKNOWN_PRIORITY", "no priority is named");
    *response = queue_.set_priority(*request);
  });
}

grpc::Status JobService::RetryJob(grpc::ServerContext*, qsm::v1::RetryJobRequest const* request,
                                  qsm::v1::Job* response) {
  return answer("RetryJob", [&] {
    check_request_id(request->request_id());
    *response = queue_.retry(*request, request->job_id());
  });
}

grpc::Status JobService::ListPipelines(grpc::ServerContext*, qsm::v1::ListPipelinesRequest const*,
                                       qsm::v1::ListPipelinesResponse* response) {
  *response->mutable_pipelines() = catalogue_.pipelines();
  return grpc::Status::OK;
}

}  // namespace chistream
