/// qsm.v1.WorkerService over JobQueue and Spool, on the workers' own socket.
#pragma once

#include "qsm/v1/worker.grpc.pb.h"
#include "schedule/job_queue.hpp"

namespace chistream {

class WorkerService final : public qsm::v1::WorkerService::Service {
 public:
  WorkerService(JobQueue& queue, Spool& spool) : queue_(queue), spool_(spool) {}

  grpc::Status Claim(grpc::ServerContext* context, qsm::v1::ClaimRequest const* request,
                     qsm::v1::ClaimResponse* response) override;
  grpc::Status Heartbeat(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<qsm::v1::TaskOrder, qsm::v1::TaskReport>* stream) override;
  grpc::Status PutArtifact(grpc::ServerContext* context,
                           grpc::ServerReader<qsm::v1::PutArtifactRequest>* stream,
                           qsm::v1::PutArtifactResponse* response) override;
  grpc::Status Finish(grpc::ServerContext* context, qsm::v1::FinishRequest const* request,
                      qsm::v1::FinishResponse* response) override;

 private:
  JobQueue& queue_;
  Spool& spool_;
};

}  // namespace chistream
