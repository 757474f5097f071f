/// What an operator may set, by flag or in the configuration file. Defaults stand here only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "security/tls.hpp"

namespace chistream {

struct DaemonOptions {
  std::string listen = "127.0.0.1:50151";  // or unix:PATH; port 0 lets the system choose
  std::filesystem::path spool;             // empty: $XDG_STATE_HOME/chistream
  std::string device = "auto";             // auto, cuda, cpu
  std::filesystem::path worker_dir;        // empty: where chistreamd is
  int workers = 1;                         // per device
  int threads = 0;                         // of a worker; 0: what there is, shared evenly
  std::string executor = "local";          // local, slurm
  std::vector<std::string> sbatch;         // further options: "--partition=gpu", "--gres=gpu:1"
  std::string worker_listen;               // host:port for workers on other machines; empty: none
  std::string worker_name;                 // that they find this machine by; in the certificate
  std::filesystem::path worker_ca;         // PEM that they trust; at the same path on the nodes
  int slurm_window = 4;                    // of its jobs at most are ours
  double slurm_idle_exit_s = 60;           // after which a worker without work gives its place back
  double cancel_grace_s = 10;
  double aging_s = 600;           // SchedulePolicy
  double stage_timeout_s = 1800;  // without progress; 0: for ever
  double inspect_timeout_s = 120;
  std::uint64_t credit_mib = 64;  // bytes a client may have outstanding beyond the durable offset
  std::uint64_t reserve_mib = 1024;   // of free space that no new upload may announce away
  int keep_results_h = 30 * 24;       // RetentionPolicy; 0: for ever
  int keep_exams_h = 7 * 24;          //
  double retention_s = 600;           // between two looks at what is due
  double drain_s = 30;                // for what runs to finish, before the server ends
  std::string metrics;                // host:port of /metrics, /livez, /readyz; empty: none
  std::filesystem::path access_file;  // empty: whoever reaches the server owns it
  std::filesystem::path audit_file;   // empty: audit.jsonl in the spool
  TlsFiles tls;
  bool tokens_suffice = false;      // off loopback: clients need no certificate
  std::string log_file;             // empty: stderr
  std::string log_format = "text";  // text, json
  std::string log_level = "info";

  bool operator==(DaemonOptions const&) const = default;
};

enum class Action { kServe, kExit };

struct CommandLine {
  DaemonOptions options;
  Action action = Action::kServe;
  int exit_code = 0;
};

/// Reads flags and `--config FILE`; fills the defaults that depend on the machine; --help,
/// --version, --check-config and the subcommands do what they do and ask to exit. Throws
/// RequestError INVALID_ARGUMENT (require_protection()).
CommandLine parse_command_line(int argc, char const* const argv[]);

}  // namespace chistream
