#include "daemon/admin_service.hpp"

#include "daemon/status.hpp"
#include "store/timestamp.hpp"

namespace chistream {

AdminService::AdminService(Spool& spool, JobQueue& queue, WorkerPool& workers)
    : started_at_(timestamp_now()), spool_(spool), queue_(queue), workers_(workers) {}

grpc::Status AdminService::GetServerInfo(grpc::ServerContext*, qsm::v1::GetServerInfoRequest const*,
                                         qsm::v1::ServerInfo* response) {
  return answer("GetServerInfo", [&] {
    auto const counts = queue_.counts();
    response->set_version(CHISTREAM_VERSION);
    *response->mutable_started_at() = started_at_;
    response->set_spool_free_bytes(spool_.free_bytes());
    response->set_queued_jobs(counts.queued);
    response->set_running_jobs(counts.running);
    for (auto& worker : workers_.status()) *response->add_workers() = std::move(worker);
  });
}

}  // namespace chistream
