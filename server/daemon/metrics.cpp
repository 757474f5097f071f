#include "daemon/metrics.hpp"

#include <prometheus/text_serializer.h>

#include "store/status.hpp"

namespace chistream {
namespace {

using namespace prometheus;

Histogram::BucketBoundaries const kCallSeconds{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60};
Histogram::BucketBoundaries const kStageSeconds{0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};
Histogram::BucketBoundaries const kRatio{0.1, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.5, 2};

}  // namespace

Metrics::Metrics()
    : calls_(BuildCounter()
                 .Name("chistream_calls_total")
                 .Help("RPCs by method and reason")
                 .Register(registry_)),
      seconds_(BuildHistogram()
                   .Name("chistream_call_seconds")
                   .Help("Duration of RPCs by method")
                   .Register(registry_)),
      jobs_(BuildCounter()
                .Name("chistream_jobs_ended_total")
                .Help("Jobs by final state and reason")
                .Register(registry_)),
      stages_(BuildHistogram()
                  .Name("chistream_stage_seconds")
                  .Help("Duration of pipeline stages")
                  .Register(registry_)),
      memory_(BuildHistogram()
                  .Name("chistream_memory_used_to_estimated")
                  .Help("Peak memory of a job divided by its estimate")
                  .Register(registry_)
                  .Add({}, kRatio)),
      uploaded_(BuildCounter()
                    .Name("chistream_uploaded_bytes_total")
                    .Help("Bytes of uploads made durable")
                    .Register(registry_)
                    .Add({})),
      damaged_(BuildCounter()
                   .Name("chistream_chunks_asked_again_total")
                   .Help("Chunks that arrived damaged or out of place")
                   .Register(registry_)
                   .Add({})),
      refused_(BuildCounter()
                   .Name("chistream_callers_refused_total")
                   .Help("Calls without good credentials or without the role, by reason")
                   .Register(registry_)) {}

void Metrics::call_ended(std::string_view method, grpc::Status const& status,
                         std::chrono::duration<double> took) {
  std::string const reason = status.ok() ? "OK" : reason_of(status);
  calls_.Add({{"method", std::string(method)}, {"reason", reason}}).Increment();
  seconds_.Add({{"method", std::string(method)}}, kCallSeconds).Observe(took.count());
  if (status.error_code() == grpc::UNAUTHENTICATED ||
      status.error_code() == grpc::PERMISSION_DENIED)
    refused_.Add({{"reason", reason}}).Increment();
}

void Metrics::job_ended(qsm::v1::Job const& job) {
  bool const failed = job.state() == qsm::v1::JOB_STATE_FAILED;
  jobs_
      .Add({{"state", qsm::v1::JobState_Name(job.state()).substr(10)},
            {"reason", failed ? job.error().reason() : ""}})
      .Increment();
  for (auto const& stage : job.stage_times())
    stages_.Add({{"stage", stage.stage()}}, kStageSeconds).Observe(stage.seconds());
  if (job.peak_bytes() > 0 && job.estimated_bytes() > 0)
    memory_.Observe(static_cast<double>(job.peak_bytes()) /
                    static_cast<double>(job.estimated_bytes()));
}

void Metrics::set(std::string const& name, std::string const& help, Labels const& labels,
                  double value) {
  BuildGauge().Name(name).Help(help).Register(registry_).Add(labels).Set(value);
}

std::string Metrics::text() const {
  return TextSerializer().Serialize(registry_.Collect());
}

}  // namespace chistream
