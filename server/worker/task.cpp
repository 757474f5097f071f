#include "worker/task.hpp"

#include <algorithm>
#include <iostream>

#include "device/error.hpp"
#include "worker/error_detail.hpp"
#include "worker/heartbeat.hpp"
#include "worker/input.hpp"
#include "worker/job.hpp"

namespace chistream {

namespace {

using qsm::v1::FinishRequest;

constexpr std::size_t kDataBytes = 1u << 20;

/// An artifact that the daemon did not take.
class Refused : public std::runtime_error {
 public:
  explicit Refused(grpc::Status const& status) : std::runtime_error(status.error_message()) {
    if (!detail_.ParseFromString(status.error_details()) || detail_.reason().empty()) {
      detail_.set_reason("ARTIFACT_REFUSED");
      detail_.set_message("the daemon did not take an artifact: " + status.error_message());
    }
    detail_.set_stage("store");
    detail_.set_retryable(true);
  }
  qsm::v1::ErrorDetail const& detail() const { return detail_; }

 private:
  qsm::v1::ErrorDetail detail_;
};

void put_artifact(qsm::v1::WorkerService::Stub& stub, qsm::v1::TaskClaim const& claim,
                  qsm::v1::Artifact const& artifact, std::string_view bytes) {
  grpc::ClientContext context;
  qsm::v1::PutArtifactResponse response;
  auto const stream = stub.PutArtifact(&context, &response);
  qsm::v1::PutArtifactRequest request;
  *request.mutable_head()->mutable_claim() = claim;
  *request.mutable_head()->mutable_artifact() = artifact;
  bool open = stream->Write(request);
  for (std::size_t at = 0; open && at < bytes.size(); at += kDataBytes) {
    auto const piece = bytes.substr(at, kDataBytes);
    request.set_data(piece.data(), piece.size());
    open = stream->Write(request);
  }
  stream->WritesDone();
  auto const status = stream->Finish();
  if (!status.ok()) throw Refused(status);
}

void fill(FinishRequest& request, JobOutcome const& outcome) {
  request.set_outcome(FinishRequest::OUTCOME_SUCCEEDED);
  request.mutable_stage_times()->Assign(outcome.stage_times.begin(), outcome.stage_times.end());
  request.set_peak_bytes(outcome.peak_bytes);
  request.mutable_warnings()->Assign(outcome.warnings.begin(), outcome.warnings.end());
  request.set_artifacts(outcome.artifacts);
}

void fail(FinishRequest& request, qsm::v1::ErrorDetail const& detail) {
  request.set_outcome(FinishRequest::OUTCOME_FAILED);
  *request.mutable_error() = detail;
  std::cerr << request.claim().job_id() << ": " << detail.reason() << " in " << detail.stage()
            << ": " << detail.message() << '\n';
}

}  // namespace

TaskEnd run_task(qsm::ThisDevice const& device, int device_index,
                 qsm::v1::WorkerService::Stub& stub, qsm::v1::ClaimResponse const& task) {
  Heartbeat heartbeat(stub, task.claim());
  FinishRequest request;
  *request.mutable_claim() = task.claim();
  bool device_broken = false;
  std::string stage;
  std::cerr << task.claim().job_id() << ": attempt " << task.claim().attempt() << ", trace "
            << task.trace_id() << std::endl;
  try {
    Input const exam(stub, task);
    JobInput const input{.job_id = task.claim().job_id(),
                         .spec = task.spec(),
                         .container = exam.path(),
                         .input_sha256 = task.input_sha256(),
                         .created_at_unix_s = task.created_at_unix_s(),
                         .device_index = device_index};
    ArtifactSink const put = [&](qsm::v1::Artifact const& artifact, std::string_view bytes) {
      stage = "store";
      put_artifact(stub, task.claim(), artifact, bytes);
    };
    ProgressSink const report = [&](qsm::v1::Progress const& progress) {
      stage = progress.stage();
      heartbeat.report(progress);
    };
    fill(request, run_job(device, input, put, heartbeat.stop_token(), report));
  } catch (Refused const& refused) {
    fail(request, refused.detail());
  } catch (qsm::Error const& error) {
    device_broken = error.code() == qsm::ErrorCode::kDeviceFailure;
    if (error.code() == qsm::ErrorCode::kCancelled)
      request.set_outcome(FinishRequest::OUTCOME_CANCELLED);
    else
      fail(request, to_error_detail(error, stage));
  } catch (std::exception const& error) {
    fail(request, to_error_detail(error, stage));
  }

  grpc::ClientContext context;
  qsm::v1::FinishResponse response;
  auto const status = stub.Finish(&context, request, &response);
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return TaskEnd::kDaemonGone;
  // ABORTED: the claim was given up, and what this process did changes nothing.
  if (!status.ok())
    std::cerr << task.claim().job_id() << ": finishing was refused, " << status.error_message()
              << '\n';
  return device_broken ? TaskEnd::kDeviceBroken : TaskEnd::kDone;
}

}  // namespace chistream
