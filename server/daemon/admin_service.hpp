/// qsm.v1.AdminService.
#pragma once

#include "daemon/gate.hpp"
#include "qsm/v1/admin.grpc.pb.h"
#include "schedule/job_queue.hpp"
#include "schedule/worker_pool.hpp"

namespace chistream {

class AdminService final : public qsm::v1::AdminService::Service {
 public:
  AdminService(Gate& gate, Journal& journal, Spool& spool, JobQueue& queue, WorkerPool& workers);

  grpc::Status GetServerInfo(grpc::ServerContext* context,
                             qsm::v1::GetServerInfoRequest const* request,
                             qsm::v1::ServerInfo* response) override;

 private:
  Gate& gate_;
  Journal& journal_;
  google::protobuf::Timestamp const started_at_;
  Spool& spool_;
  JobQueue& queue_;
  WorkerPool& workers_;
};

}  // namespace chistream
