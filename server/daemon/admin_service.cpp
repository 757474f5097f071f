#include "daemon/admin_service.hpp"

#include "store/timestamp.hpp"

namespace chistream {

AdminService::AdminService(Gate& gate, Journal& journal, Spool& spool, JobQueue& queue,
                           WorkerPool& workers)
    : gate_(gate),
      journal_(journal),
      started_at_(timestamp_now()),
      spool_(spool),
      queue_(queue),
      workers_(workers) {}

grpc::Status AdminService::GetServerInfo(grpc::ServerContext* context,
                                         qsm::v1::GetServerInfoRequest const* request,
                                         qsm::v1::ServerInfo* response) {
  return gate_.answer(*context, "AdminService/GetServerInfo", *request, [&](Caller const& caller) {
    auto const counts = queue_.counts();
    response->set_version(CHISTREAM_VERSION);
    *response->mutable_started_at() = started_at_;
    response->set_spool_free_bytes(spool_.free_bytes());
    response->set_queued_jobs(counts.queued);
    response->set_running_jobs(counts.running);
    for (auto& worker : workers_.status()) {
      bool const own = caller.roles.has(Role::kAdmin) ||
                       journal_.tenant_of_job(worker.job_id()) == caller.tenant;
      if (!own) worker.clear_job_id();
      *response->add_workers() = std::move(worker);
    }
  });
}

}  // namespace chistream
