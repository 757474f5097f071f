#include "daemon/server.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <set>

#include "daemon/listen_rules.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

using std::chrono::milliseconds;

constexpr int kSecond = 1000;

milliseconds seconds(double s) {
  return milliseconds(static_cast<long>(1000 * s));
}

// Files that the journal does not know are from a write that was never acknowledged.
Journal& recovered(Spool& spool, Journal& journal) {
  std::set<std::string> uploads;
  for (UploadRecord const& record : journal.uploads())
    if (record.upload.state() != qsm::v1::UPLOAD_STATE_ABORTED)
      uploads.insert(record.upload.upload_id());
  auto const succeeded = journal.succeeded_job_ids();
  spool.recover(uploads, {succeeded.begin(), succeeded.end()});
  sync_directory(spool.root());
  return journal;
}

// A dead peer is noticed within 40 s even where the network tells nothing.
void keep_alive(grpc::ServerBuilder& builder, int every_ms) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, every_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two daemons, one port: refuse
}

}  // namespace

Server::Server(DaemonOptions const& options)
    : spool_(options.spool),
      journal_(spool_.journal()),
      audit_(options.audit_file.empty() ? spool_.root() / "audit.jsonl" : options.audit_file),
      callers_(options.access_file),
      gate_(callers_, audit_, journal_),
      quota_(callers_, journal_),
      worker_(choose_worker(options.device, options.worker_dir)),
      queue_(recovered(spool_, journal_), spool_, {.aging = seconds(options.aging_s)}),
      worker_service_(queue_, spool_),
      upload_service_(options, gate_, quota_, journal_, spool_,
                      Inspector(worker_.program, seconds(options.inspect_timeout_s))),
      job_service_(gate_, quota_, journal_, spool_, queue_, worker_),
      result_service_(gate_, journal_, spool_) {
  require_protection(options);
  grpc::EnableDefaultHealthCheckService(true);
  // What the server offers is nobody's business who is not known.
  if (options.access_file.empty()) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  queue_.fail_what_never_fits(worker_.largest_device_bytes());
  listen_to_workers();
  workers_ =
      std::make_unique<WorkerPool>(PoolOptions{.worker = worker_,
                                               .socket = spool_.worker_socket().string(),
                                               .workers = options.workers,
                                               .threads = options.threads,
                                               .cancel_grace = seconds(options.cancel_grace_s)},
                                   queue_);
  admin_service_ = std::make_unique<AdminService>(gate_, journal_, spool_, queue_, *workers_);
  try {
    listen_to_clients(options);
  } catch (...) {
    stop();  // the destructor does not run
    throw;
  }
  spdlog::info("listening on {}, spool {}, worker {} on {}", address_, spool_.root().string(),
               worker_.program.string(), worker_.catalogue.devices(0).name());
}

void Server::listen_to_workers() {
  std::string const path = spool_.worker_socket().string();
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    throw RequestError(grpc::FAILED_PRECONDITION, "SOCKET_PATH_TOO_LONG",
                       path + " has more than " +
                           std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " characters",
                       "choose a spool with a shorter path");
  grpc::ServerBuilder builder;
  keep_alive(builder, 10 * kSecond);
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  builder.RegisterService(&worker_service_);
  worker_server_ = builder.BuildAndStart();
  // The directory lets nobody else in, so the socket was never open to others.
  if (!worker_server_ || ::chmod(path.c_str(), 0600) != 0)
    throw RequestError(grpc::FAILED_PRECONDITION, "CANNOT_LISTEN", "cannot listen on " + path);
}

void Server::listen_to_clients(DaemonOptions const& options) {
  std::string const& address = options.listen;
  grpc::ServerBuilder builder;
  keep_alive(builder, 30 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 32);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 30 * 60 * kSecond);  // new keys count
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 24 * 3600 * kSecond);
  // A chunk in one frame and few reads, instead of 64 frames and 128 reads of 8 KiB.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);
  builder.AddChannelArgument(GRPC_ARG_TCP_READ_CHUNK_SIZE, 1 << 18);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 1 << 20);
  grpc::ResourceQuota quota("clients");
  quota.Resize(512u << 20);  // bytes of messages under way
  builder.SetResourceQuota(quota);
  int port = 0;
  builder.AddListeningPort(address,
                           options.tls.certificate.empty() ? grpc::InsecureServerCredentials()
                                                           : server_credentials(options.tls),
                           &port);
  builder.RegisterService(&upload_service_);
  builder.RegisterService(&job_service_);
  builder.RegisterService(&result_service_);
  builder.RegisterService(admin_service_.get());
  client_server_ = builder.BuildAndStart();
  if (!client_server_ || port == 0)
    throw RequestError(grpc::FAILED_PRECONDITION, "CANNOT_LISTEN",
                       "cannot listen on " + address + "; is it in use?");
  bool const is_unix = address.starts_with("unix:");
  address_ = is_unix ? address : address.substr(0, address.rfind(':') + 1) + std::to_string(port);
  grpc::HealthCheckServiceInterface* const health = client_server_->GetHealthCheckService();
  for (char const* name :
       {"qsm.v1.UploadService", "qsm.v1.JobService", "qsm.v1.ResultService", "qsm.v1.AdminService"})
    health->SetServingStatus(name, true);
}

void Server::stop() {
  auto const soon = [] { return std::chrono::system_clock::now() + seconds(1); };
  if (client_server_ && client_server_->GetHealthCheckService())
    client_server_->GetHealthCheckService()->Shutdown();
  queue_.stop();
  if (client_server_) client_server_->Shutdown(soon());
  if (workers_) workers_->stop();
  if (worker_server_) worker_server_->Shutdown(soon());
}

}  // namespace chistream
