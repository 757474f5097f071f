/// qsm.v1.AdminService.
#pragma once

#include <functional>

#include "daemon/gate.hpp"
#include "qsm/v1/admin.grpc.pb.h"
#include "schedule/executor.hpp"
#include "schedule/job_queue.hpp"

namespace chistream {

/// What an administrator can have the server do.
struct ServerControls {
  std::function<void(bool)> set_draining;
  std::function<bool()> draining;
  std::function<std::vector<std::string>()> reload;  // names of options that changed
};

class AdminService final : public qsm::v1::AdminService::Service {
 public:
  AdminService(Gate& gate, Audit& audit, Journal& journal, Spool& spool, JobQueue& queue,
               Executor& workers, ServerControls controls);

  grpc::Status GetServerInfo(grpc::ServerContext* context,
                             qsm::v1::GetServerInfoRequest const* request,
                             qsm::v1::ServerInfo* response) override;
  grpc::Status SetDrain(grpc::ServerContext* context, qsm::v1::SetDrainRequest const* request,
                        qsm::v1::ServerInfo* response) override;
  grpc::Status ReloadConfig(grpc::ServerContext* context,
                            qsm::v1::ReloadConfigRequest const* request,
                            qsm::v1::ReloadConfigResponse* response) override;
  grpc::Status TailAudit(grpc::ServerContext* context, qsm::v1::TailAuditRequest const* request,
                         qsm::v1::TailAuditResponse* response) override;

 private:
  qsm::v1::ServerInfo info_for(Caller const& caller);

  Gate& gate_;
  Audit& audit_;
  Journal& journal_;
  google::protobuf::Timestamp const started_at_;
  Spool& spool_;
  JobQueue& queue_;
  Executor& workers_;
  ServerControls const controls_;
};

}  // namespace chistream
