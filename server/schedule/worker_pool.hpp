/// All workers of this server: one place per device and per worker that shares it.
#pragma once

#include <memory>
#include <vector>

#include "schedule/executor.hpp"
#include "schedule/worker_supervisor.hpp"

namespace chistream {

struct PoolOptions {
  WorkerChoice worker;
  std::string socket;  // path
  int workers = 1;     // per device
  int threads = 0;     // of each; 0: what the processor has, shared evenly
  std::chrono::milliseconds cancel_grace{10'000};
};

/// Thread-safe.
class WorkerPool final : public Executor {
 public:
  WorkerPool(PoolOptions const& options, JobQueue& queue);
  ~WorkerPool() override { stop(); }

  /// All at the same time; see WorkerSupervisor::stop().
  void stop() override;
  std::vector<qsm::v1::WorkerStatus> status() override;

 private:
  std::vector<std::unique_ptr<WorkerSupervisor>> places_;
};

}  // namespace chistream
