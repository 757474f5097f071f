/// Workers as Slurm jobs: each asks for work when Slurm has started it, takes one job after another
/// as long as there are any, and ends when there are none for a while.
///
/// So nothing of ours queues up inside Slurm: at most `window` of its jobs are ours, none is bound
/// to an exam, and an emergency is what the next free worker gets. Preemption is JobQueue's, at an
/// iteration boundary; Slurm's own was seen to hold the victim back for minutes.
///
/// Slurm's word is never taken for more than it is. A job it lost after sbatch returned, one that
/// it started twice, an id it gave out again: who is not seen in squeue some time after it was
/// handed in is handed in anew under another name, and a worker that was given up is refused by its
/// claim. While the controller does not answer, nothing is concluded, and workers that run go on:
/// they talk to the daemon, not to Slurm.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "schedule/executor.hpp"
#include "schedule/job_queue.hpp"
#include "schedule/slurm_commands.hpp"
#include "schedule/worker_tokens.hpp"

namespace chistream {

struct SlurmOptions {
  std::string program;           // chistream-worker-*, at the same path on every node
  std::filesystem::path folder;  // what our Slurm jobs write, and their tokens; seen by the nodes
  std::string address;           // of the daemon's worker listener: unix:PATH or host:port
  std::filesystem::path server_ca;  // PEM, for host:port; seen by the nodes
  std::string instance;             // of this spool; our jobs are told from others' by it
  int window = 4;
  double idle_exit_s = 60;
  std::vector<std::string> sbatch;  // "--partition=gpu", "--gres=gpu:1"
  std::chrono::milliseconds cancel_grace{10'000};
  std::chrono::milliseconds period{1'000};
  std::chrono::milliseconds missing_grace{10'000};  // from sbatch to the first sight in squeue
};

class SlurmPool final : public Executor {
 public:
  /// Throws RequestError NO_SLURM.
  SlurmPool(SlurmOptions options, JobQueue& queue, WorkerTokens& tokens);
  ~SlurmPool() override { stop(); }

  void stop() override;
  std::vector<qsm::v1::WorkerStatus> status() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Pilot {
    std::string slurm_id;
    std::string state = "PENDING";
    Clock::time_point handed_in;
  };

  void run(std::stop_token stop);
  std::map<std::string, Pilot> pilots();  // as they are now
  void look_after();
  void reconcile(std::vector<SlurmJob> const& seen);
  void kill_what_must_be_killed();
  void hand_in_what_is_wanted();
  void hand_in();
  std::filesystem::path file_of(std::string const& name, char const* suffix) const;
  void forget(std::string const& name);  // its token, and its output, which goes to the log

  SlurmOptions const options_;
  SlurmCommands const slurm_;
  JobQueue& queue_;
  WorkerTokens& tokens_;
  std::string const prefix_;
  bool answered_ = true;
  std::mutex mutex_;                     // guards pilots_; nothing else is taken under it
  std::map<std::string, Pilot> pilots_;  // by worker id, which is the Slurm job's name
  std::jthread thread_;                  // last
};

}  // namespace chistream
