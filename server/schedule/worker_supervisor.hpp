/// Keeps one worker process alive: started warm, started again when it dies, killed when it does
/// not let go of a cancelled job, gone when the daemon goes.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <thread>

#include "qsm/v1/admin.pb.h"
#include "schedule/job_queue.hpp"
#include "schedule/worker_choice.hpp"

namespace chistream {

struct SupervisorOptions {
  WorkerChoice worker;
  std::string name;        // of this place; a process in it is called name.N
  qsm::v1::Device device;  // of those in the catalogue
  std::string socket;      // path
  int threads = 0;         // 0: the worker decides
  std::chrono::milliseconds cancel_grace{10'000};
};

/// Thread-safe. One thread of its own starts the processes and lives as long as they do.
class WorkerSupervisor {
 public:
  WorkerSupervisor(SupervisorOptions options, JobQueue& queue);
  ~WorkerSupervisor() { stop(); }

  void request_stop() { thread_.request_stop(); }
  /// Ends the worker (SIGTERM, after 2 s SIGKILL) and the thread. To be called after
  /// JobQueue::stop(), so that the running attempt does not count as a crash.
  void stop();
  qsm::v1::WorkerStatus status();

 private:
  void run(std::stop_token stop);
  /// One process from start to end; answers how it ended.
  std::string run_worker(std::string const& worker_id, std::stop_token const& stop);

  SupervisorOptions const options_;
  JobQueue& queue_;
  std::mutex mutex_;  // guards status_; nothing else is taken under it
  qsm::v1::WorkerStatus status_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace chistream
