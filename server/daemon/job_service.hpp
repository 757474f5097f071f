/// qsm.v1.JobService over JobQueue. No state of its own, so thread-safe as they are.
#pragma once

#include "qsm/v1/job.grpc.pb.h"
#include "qsm/v1/pipeline.pb.h"
#include "schedule/job_queue.hpp"

namespace chistream {

class JobService final : public qsm::v1::JobService::Service {
 public:
  JobService(Journal& journal, JobQueue& queue, qsm::v1::WorkerCatalogue catalogue)
      : journal_(journal), queue_(queue), catalogue_(std::move(catalogue)) {}

  grpc::Status SubmitJob(grpc::ServerContext* context, qsm::v1::SubmitJobRequest const* request,
                         qsm::v1::Job* response) override;
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
  Journal& journal_;
  JobQueue& queue_;
  qsm::v1::WorkerCatalogue const catalogue_;
};

}  // namespace chistream
