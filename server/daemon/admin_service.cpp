#include "daemon/admin_service.hpp"

#include <algorithm>

#include "store/timestamp.hpp"

namespace chistream {

AdminService::AdminService(Gate& gate, Audit& audit, Journal& journal, Spool& spool,
                           JobQueue& queue, Executor& workers, ServerControls controls)
    : gate_(gate),
      audit_(audit),
      journal_(journal),
      started_at_(timestamp_now()),
      spool_(spool),
      queue_(queue),
      workers_(workers),
      controls_(std::move(controls)) {}

qsm::v1::ServerInfo AdminService::info_for(Caller const& caller) {
  qsm::v1::ServerInfo info;
  auto const counts = queue_.counts();
  info.set_version(CHISTREAM_VERSION);
  *info.mutable_started_at() = started_at_;
  info.set_spool_free_bytes(spool_.free_bytes());
  info.set_queued_jobs(counts.queued);
  info.set_running_jobs(counts.running);
  info.set_draining(controls_.draining());
  for (auto& worker : workers_.status()) {
    bool const own =
        caller.roles.has(Role::kAdmin) || journal_.tenant_of_job(worker.job_id()) == caller.tenant;
    if (!own) worker.clear_job_id();
    *info.add_workers() = std::move(worker);
  }
  return info;
}

grpc::Status AdminService::GetServerInfo(grpc::ServerContext* context,
                                         qsm::v1::GetServerInfoRequest const* request,
                                         qsm::v1::ServerInfo* response) {
  return gate_.answer(*context, "AdminService/GetServerInfo", *request,
                      [&](Caller const& caller) { *response = info_for(caller); });
}

grpc::Status AdminService::SetDrain(grpc::ServerContext* context,
                                    qsm::v1::SetDrainRequest const* request,
                                    qsm::v1::ServerInfo* response) {
  return gate_.answer(*context, "AdminService/SetDrain", *request, [&](Caller const& caller) {
    controls_.set_draining(request->draining());
    *response = info_for(caller);
  });
}

grpc::Status AdminService::ReloadConfig(grpc::ServerContext* context,
                                        qsm::v1::ReloadConfigRequest const* request,
                                        qsm::v1::ReloadConfigResponse* response) {
  return gate_.answer(*context, "AdminService/ReloadConfig", *request, [&](Caller const&) {
    for (std::string const& option : controls_.reload()) response->add_changed(option);
  });
}

grpc::Status AdminService::TailAudit(grpc::ServerContext* context,
                                     qsm::v1::TailAuditRequest const* request,
                                     qsm::v1::TailAuditResponse* response) {
  return gate_.answer(*context, "AdminService/TailAudit", *request, [&](Caller const&) {
    std::uint32_t const lines = request->lines() == 0 ? 100 : request->lines();
    for (std::string& line : audit_.tail(std::min(lines, 1000u)))
      response->add_lines(std::move(line));
  });
}

}  // namespace chistream
