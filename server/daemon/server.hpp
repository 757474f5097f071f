/// The whole daemon in one object: what main() runs and what the tests run in-process.
#pragma once

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "daemon/admin_service.hpp"
#include "daemon/gate.hpp"
#include "daemon/job_service.hpp"
#include "daemon/options.hpp"
#include "daemon/quota.hpp"
#include "daemon/result_service.hpp"
#include "daemon/upload_service.hpp"
#include "daemon/worker_service.hpp"

namespace chistream {

class Server {
 public:
  /// Locks the spool, repairs it, chooses a worker, starts it, listens. Throws RequestError with
  /// the reason why it cannot: SPOOL_LOCKED, NO_WORKER, NO_CUDA_DEVICE, CANNOT_LISTEN,
  /// SOCKET_PATH_TOO_LONG, JOURNAL_VERSION.
  explicit Server(DaemonOptions const& options);
  ~Server() { stop(); }

  /// Where it listens, with the port that was chosen.
  std::string const& address() const { return address_; }

  /// No new work, no worker; the job that ran is queued for the next start. Idempotent.
  void stop();

 private:
  void listen_to_workers();
  void listen_to_clients(DaemonOptions const& options);

  Spool spool_;
  Journal journal_;
  Audit audit_;
  Callers callers_;
  Gate gate_;
  Quota quota_;
  WorkerChoice worker_;
  JobQueue queue_;
  WorkerService worker_service_;
  std::unique_ptr<grpc::Server> worker_server_;  // listens before the first worker starts
  std::unique_ptr<WorkerPool> workers_;
  UploadService upload_service_;
  JobService job_service_;
  ResultService result_service_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<grpc::Server> client_server_;
  std::string address_;
};

}  // namespace chistream
