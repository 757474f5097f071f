/// Slurm by its commands: no library of it is linked, so no version of it is tied to ours.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace chistream {

struct SlurmJob {
  std::string id;     // Slurm's; it may be given out again after a crash of the controller
  std::string name;   // ours
  std::string state;  // "PENDING", "RUNNING"
};

class SlurmCommands {
 public:
  /// Throws RequestError FAILED_PRECONDITION NO_SLURM when a command is not in PATH.
  SlurmCommands();

  /// Hands in a script. `arguments` are further options of sbatch. Throws std::runtime_error.
  std::string submit(std::string const& name, std::string const& script,
                     std::vector<std::string> const& arguments) const;

  /// Our jobs that wait or run, by the beginning of their name. nullopt: the controller does not
  /// answer, and nothing can be said.
  std::optional<std::vector<SlurmJob>> jobs(std::string const& name_prefix) const;

  /// "NODE_FAIL", "PREEMPTED", "FAILED"; "UNKNOWN" when Slurm does not know or does not answer.
  std::string last_state(std::string const& id) const;

  /// No error when there is no such job.
  void cancel(std::string const& id, bool kill) const;

 private:
  std::filesystem::path sbatch_, squeue_, scancel_, scontrol_;
};

/// For a POSIX shell.
std::string quoted(std::string const& text);

}  // namespace chistream
