#include "daemon/job_service.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "daemon/job_spec.hpp"
#include "daemon/request_checks.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream {
namespace {

constexpr std::uint32_t kDefaultListed = 100;
constexpr std::uint32_t kMostListed = 1000;  // keeps the answer below gRPC's 4 MiB
constexpr std::chrono::milliseconds kProgressPause{250};
constexpr std::chrono::seconds kHeartbeat{5};

JobQuery query_of(qsm::v1::ListJobsRequest const& request, std::string const& tenant) {
  JobQuery query{.tenant = tenant};
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

void require_may_hurry(Caller const& caller, qsm::v1::Priority priority) {
  if (priority == qsm::v1::PRIORITY_EMERGENCY && !caller.roles.has(Role::kEmergency))
    throw RequestError(grpc::PERMISSION_DENIED, "ROLE_MISSING",
                       "an emergency stops other jobs and needs the role emergency",
                       "submit it as urgent");
}

}  // namespace

JobService::JobService(Gate& gate, Quota& quota, Journal& journal, Spool& spool, JobQueue& queue,
                       WorkerChoice const& worker)
    : gate_(gate),
      quota_(quota),
      journal_(journal),
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

grpc::Status JobService::SubmitJob(grpc::ServerContext* context,
                                   qsm::v1::SubmitJobRequest const* request,
                                   qsm::v1::Job* response) {
  return gate_.answer(
      *context, "JobService/SubmitJob", *request,
      [&](Caller const& caller) {
        check_request_id(request->request_id());
        // A repetition is answered as the first time, whatever became of pipelines since.
        Origin const origin(*request, caller.tenant);
        if (auto const earlier = journal_.submitted_job(origin)) {
          *response = queue_.job(earlier->job.job_id());
          return;
        }
        require_may_hurry(caller, request->spec().priority());
        quota_.require_room_for_job(caller.tenant);
        Asked const asked = ask(request->spec());
        require_fit(asked.estimate);
        *response = queue_.submit(origin, asked.spec, asked.estimate.peak_bytes(), caller.trace_id);
      },
      response);
}

grpc::Status JobService::EstimateJob(grpc::ServerContext* context, qsm::v1::JobSpec const* request,
                                     qsm::v1::Estimate* response) {
  return gate_.answer(*context, "JobService/EstimateJob", *request,
                      [&](Caller const&) { *response = ask(*request).estimate; });
}

grpc::Status JobService::GetJob(grpc::ServerContext* context, qsm::v1::JobRef const* request,
                                qsm::v1::Job* response) {
  return gate_.answer(*context, "JobService/GetJob", *request,
                      [&](Caller const&) { *response = queue_.job(request->job_id()); });
}

grpc::Status JobService::ListJobs(grpc::ServerContext* context,
                                  qsm::v1::ListJobsRequest const* request,
                                  qsm::v1::ListJobsResponse* response) {
  return gate_.answer(*context, "JobService/ListJobs", *request, [&](Caller const& caller) {
    JobQuery const query = query_of(*request, caller.tenant);
    auto records = queue_.list(query);
    if (records.size() == query.limit)
      response->set_next_page_token(std::to_string(records.back().seq));
    for (auto& record : records) *response->add_jobs() = std::move(record.job);
  });
}

grpc::Status JobService::WatchJob(grpc::ServerContext* context,
                                  qsm::v1::WatchJobRequest const* request,
                                  grpc::ServerWriter<qsm::v1::JobEvent>* stream) {
  return gate_.answer(*context, "JobService/WatchJob", *request, [&](Caller const& caller) {
    auto const counted = quota_.watch_stream(caller.tenant);
    JobQueue::Snapshot snapshot = queue_.snapshot(request->job_id());
    bool news = request->after_seq() == 0 || snapshot.seq() != request->after_seq();
    for (;;) {
      auto const now = JobQueue::Clock::now();
      if (!news) {
        snapshot = queue_.wait(snapshot, now + kProgressPause, now + kHeartbeat);
        if (context->IsCancelled()) return;
      }
      qsm::v1::JobEvent event;
      event.set_seq(snapshot.seq());
      *event.mutable_at() = timestamp_now();
      *event.mutable_job() = snapshot.job;
      if (!stream->Write(event) || snapshot.job.state() >= qsm::v1::JOB_STATE_SUCCEEDED) return;
      news = false;
    }
  });
}

grpc::Status JobService::CancelJob(grpc::ServerContext* context, qsm::v1::JobRef const* request,
                                   qsm::v1::Job* response) {
  return gate_.answer(*context, "JobService/CancelJob", *request,
                      [&](Caller const&) { *response = queue_.cancel(request->job_id()); });
}

grpc::Status JobService::SetPriority(grpc::ServerContext* context,
                                     qsm::v1::SetPriorityRequest const* request,
                                     qsm::v1::Job* response) {
  return gate_.answer(*context, "JobService/SetPriority", *request, [&](Caller const& caller) {
    check_priority(request->priority());
    if (request->priority() == qsm::v1::PRIORITY_UNSPECIFIED)
      throw RequestError(grpc::INVALID_ARGUMENT, "UNKNOWN_PRIORITY", "no priority is named");
    require_may_hurry(caller, request->priority());
    *response = queue_.set_priority(*request);
  });
}

grpc::Status JobService::RetryJob(grpc::ServerContext* context,
                                  qsm::v1::RetryJobRequest const* request, qsm::v1::Job* response) {
  return gate_.answer(
      *context, "JobService/RetryJob", *request,
      [&](Caller const& caller) {
        check_request_id(request->request_id());
        Origin const origin(*request, caller.tenant);
        if (!journal_.submitted_job(origin)) {
          require_may_hurry(caller, journal_.job(request->job_id()).job.spec().priority());
          quota_.require_room_for_job(caller.tenant);
        }
        *response = queue_.retry(origin, request->job_id(), caller.trace_id);
      },
      response);
}

grpc::Status JobService::ListPipelines(grpc::ServerContext* context,
                                       qsm::v1::ListPipelinesRequest const* request,
                                       qsm::v1::ListPipelinesResponse* response) {
  return gate_.answer(*context, "JobService/ListPipelines", *request, [&](Caller const&) {
    *response->mutable_pipelines() = catalogue_.pipelines();
  });
}

}  // namespace chistream
