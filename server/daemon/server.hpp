/// The whole daemon in one object: what main() runs and what the tests run in-process.
#pragma once

#include <grpcpp/server.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "daemon/admin_service.hpp"
#include "daemon/admission.hpp"
#include "daemon/gate.hpp"
#include "daemon/job_service.hpp"
#include "daemon/metrics.hpp"
#include "daemon/options.hpp"
#include "daemon/periodic.hpp"
#include "daemon/quota.hpp"
#include "daemon/result_service.hpp"
#include "daemon/upload_service.hpp"
#include "daemon/wall_clock.hpp"
#include "daemon/worker_service.hpp"
#include "monitoring/http_server.hpp"

namespace chistream {

class Server {
 public:
  /// Locks the spool, repairs it, chooses a worker, starts it, listens. Throws RequestError with
  /// the reason why it cannot: SPOOL_LOCKED, NO_WORKER, NO_CUDA_DEVICE, CANNOT_LISTEN,
  /// SOCKET_PATH_TOO_LONG, JOURNAL_VERSION.
  /// `reread` parses flags and configuration file again, for reload().
  explicit Server(DaemonOptions const& options, std::function<DaemonOptions()> reread = {});
  ~Server() { stop(); }

  /// Where it listens, with the port that was chosen.
  std::string const& address() const { return address_; }

  int metrics_port() const { return http_ ? http_->port() : 0; }

  void set_draining(bool draining);
  /// Nothing runs any more.
  bool idle() { return queue_.counts().running == 0; }

  /// Takes up the access file and those options that can change while the server runs; answers
  /// which did. Throws RequestError FAILED_PRECONDITION CONFIG_NEEDS_RESTART, INVALID_ARGUMENT
  /// ACCESS_FILE; then everything is as it was.
  std::vector<std::string> reload();

  /// No new work, no worker; the job that ran is queued for the next start. Idempotent.
  void stop();

 private:
  void listen_to_workers();
  std::unique_ptr<Executor> make_executor();
  void keep_house();
  void keep_trace(std::string const& action);
  void set_serving(bool serving);
  std::string metrics_text();
  void listen_to_clients(DaemonOptions const& options);

  Spool spool_;
  Journal journal_;
  DaemonOptions options_;
  Audit audit_;
  Callers callers_;
  Metrics metrics_;
  Retention retention_;
  WallClock clock_;
  Gate gate_;
  Quota quota_;
  WorkerChoice worker_;
  JobQueue queue_;
  Admission admission_;
  WorkerTokens tokens_;
  WorkerService worker_service_;
  std::unique_ptr<grpc::Server> worker_server_;  // listens before the first worker starts
  std::string worker_address_;                   // for workers on other machines
  std::unique_ptr<Executor> workers_;
  UploadService upload_service_;
  JobService job_service_;
  ResultService result_service_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<grpc::Server> client_server_;
  std::optional<TlsStage> tls_;
  std::function<DaemonOptions()> reread_;
  std::mutex reloading_;  // one at a time
  std::mutex measuring_;  // guards devices_seen_
  std::set<std::string> devices_seen_;
  std::string address_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Periodic> queue_tick_;
  std::unique_ptr<Periodic> housekeeping_;
  std::unique_ptr<Periodic> retaining_;
};

}  // namespace chistream
