/// qsm.v1.JobService over JobQueue. No state of its own, so thread-safe as they are.
#pragma once

#include "daemon/estimator.hpp"
#include "daemon/gate.hpp"
#include "daemon/quota.hpp"
#include "qsm/v1/job.grpc.pb.h"
#include "qsm/v1/pipeline.pb.h"
#include "schedule/job_queue.hpp"
#include "schedule/worker_choice.hpp"

namespace chistream {

class JobService final : public qsm::v1::JobService::Service {
 public:
  JobService(Gate& gate, Quota& quota, Journal& journal, Spool& spool, JobQueue& queue,
             WorkerChoice const& worker);

  grpc::Status SubmitJob(grpc::ServerContext* context, qsm::v1::SubmitJobRequest const* request,
                         qsm::v1::Job* response) override;
  grpc::Status EstimateJob(grpc::ServerContext* context, qsm::v1::JobSpec const* request,
                           qsm::v1::Estimate* response) override;
  grpc::Status GetJob(grpc::ServerContext* context, qsm::v1::JobRef const* request,
                      qsm::v1::Job* response) override;
  grpc::Status ListJobs(grpc::ServerContext* context, qsm::v1::ListJobsRequest const* request,
                        qsm::v1::ListJobsResponse* response) override;
  grpc::Status WatchJob(grpc::ServerContext* context, qsm::v1::WatchJobRequest const* request,
                        grpc::ServerWriter<qsm::v1::JobEvent>* stream) override;
  grpc::Status CancelJob(grpc::ServerContext* context, qsm::v1::JobRef const* request,
                         qsm::v1::Job* response) override;
  grpc::Status SetPriority(grpc::ServerContext* context, qsm::v1::SetPriorityRequest const* request,
                           qsm::v1::Job* response) override;
  grpc::Status RetryJob(grpc::ServerContext* context, qsm::v1::RetryJobRequest const* request,
                        qsm::v1::Job* response) override;
  grpc::Status ListPipelines(grpc::ServerContext* context,
                             qsm::v1::ListPipelinesRequest const* request,
                             qsm::v1::ListPipelinesResponse* response) override;

 private:
  struct Asked {
    qsm::v1::JobSpec spec;  // resolved
    qsm::v1::Estimate estimate;
  };
  Asked ask(qsm::v1::JobSpec const& spec) const;

  Gate& gate_;
  Quota& quota_;
  Journal& journal_;
  Spool& spool_;
  JobQueue& queue_;
  Estimator const estimate_;
  qsm::v1::WorkerCatalogue const catalogue_;
};

}  // namespace chistream
