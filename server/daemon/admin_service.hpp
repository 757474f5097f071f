/// qsm.v1.AdminService.
#pragma once

#include "qsm/v1/admin.grpc.pb.h"
#include "schedule/job_queue.hpp"
#include "schedule/worker_pool.hpp"

namespace chistream {

class AdminService final : public qsm::v1::AdminService::Service {
 public:
  AdminService(Spool& spool, JobQueue& queue, WorkerPool& workers);

  grpc::Status GetServerInfo(grpc::ServerContext* context,
                             qsm::v1::GetServerInfoRequest const* request,
                             qsm::v1::ServerInfo* response) override;

 private:
  google::protobuf::Timestamp const started_at_;
  Spool& spool_;
  JobQueue& queue_;
  WorkerPool& workers_;
};

}  // namespace chistream
