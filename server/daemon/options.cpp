#include "daemon/options.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "daemon/listen_rules.hpp"
#include "daemon/security_commands.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace fs = std::filesystem;
namespace {

fs::path default_spool() {
  if (char const* state = std::getenv("XDG_STATE_HOME"); state && *state)
    return fs::path(state) / "chistream";
  char const* home = std::getenv("HOME");
  if (!home || !*home)
    throw RequestError(grpc::INVALID_ARGUMENT, "NO_SPOOL",
                       "neither --spool nor XDG_STATE_HOME nor HOME is set");
  return fs::path(home) / ".local" / "state" / "chistream";
}

}  // namespace

CommandLine parse_command_line(int argc, char const* const argv[]) {
  CommandLine line;
  DaemonOptions& options = line.options;
  bool check_config = false;
  CLI::App app("chistreamd: takes exams over gRPC, has them reconstructed, gives maps back");
  app.set_config("--config", "", "TOML or INI file with the options below, without dashes");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_version_flag("--version", std::string(CHISTREAM_VERSION));
  app.add_flag("--check-config", check_config, "check flags and file, then exit")
      ->configurable(false);
  app.add_option("--listen", options.listen,
                 "host:port, or unix:PATH; off loopback only with TLS and an access file")
      ->capture_default_str();
  app.add_option("--spool", options.spool,
                 "directory of uploads, results and the journal "
                 "[$XDG_STATE_HOME/chistream or ~/.local/state/chistream]");
  app.add_option("--device", options.device, "cuda never falls back to the processor, auto does")
      ->check(CLI::IsMember({"auto", "cuda", "cpu"}))
      ->capture_default_str();
  app.add_option("--worker-dir", options.worker_dir,
                 "directory of chistream-worker-cuda and -cpu [that of chistreamd]");
  app.add_option("--workers", options.workers, "processes per device, each with a job of its own")
      ->check(CLI::Range(1, 26))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "of a worker; 0: what there is, shared evenly")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--executor", options.executor,
                 "local: processes of this machine; slurm: jobs of a cluster that shares the spool")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->capture_default_str();
  app.add_option("--sbatch", options.sbatch,
                 "an option for sbatch, e.g. --sbatch=--partition=gpu; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--worker-listen", options.worker_listen,
                 "host:port for workers on other machines, with TLS and a token for each [none]");
  app.add_option("--worker-name", options.worker_name,
                 "of this machine, as those workers find it and its certificate has it");
  app.add_option("--worker-ca", options.worker_ca,
                 "PEM that those workers trust, at the same path on every node");
  app.add_option("--slurm-window", options.slurm_window, "jobs that Slurm has of us at a time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--slurm-idle-exit-s", options.slurm_idle_exit_s,
                 "a Slurm worker without work for so long gives its place back")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--cancel-grace-s", options.cancel_grace_s,
                 "a worker that still has a cancelled job after this time is killed")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--aging-s", options.aging_s,
                 "a job that waited so long counts one class higher, at most as urgent")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--stage-timeout-s", options.stage_timeout_s,
                 "a worker that makes no progress for so long is killed; 0: never")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--inspect-timeout-s", options.inspect_timeout_s,
                 "for the check of an upload's content at commit")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--credit-mib", options.credit_mib,
                 "MiB that a client may send beyond what is on disk")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--reserve-mib", options.reserve_mib,
                 "MiB of free space that no new upload may use up")
      ->capture_default_str();
  app.add_option("--keep-results-h", options.keep_results_h,
                 "hours that a result is kept after its job ended; 0: for ever")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--keep-exams-h", options.keep_exams_h,
                 "hours that an exam is kept after its last job ended; 0: for ever")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--retention-s", options.retention_s, "between two looks at what is due")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  app.add_option(
         "--drain-s", options.drain_s,
         "for running jobs to finish after SIGTERM; then they are queued for the next start")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--metrics", options.metrics,
                 "host:port of /metrics, /livez and /readyz over HTTP [none]");
  app.add_option("--access-file", options.access_file,
                 "who may call, with tenant, roles and limits [everyone who reaches the server]");
  app.add_option("--audit-file", options.audit_file, "[audit.jsonl in the spool]");
  app.add_option("--tls-cert", options.tls.certificate,
                 "PEM, with the chain; read again as it changes");
  app.add_option("--tls-key", options.tls.key, "PEM");
  app.add_option("--tls-client-ca", options.tls.client_ca,
                 "PEM; clients need a certificate that it signed");
  app.add_flag("--tokens-suffice", options.tokens_suffice,
               "off loopback: tokens alone, without client certificates");
  app.add_option("--log-file", options.log_file, "[stderr]");
  app.add_option("--log-format", options.log_format, "json: one object per line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level)
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  DaemonCommand const commands[] = {add_token_command(app), add_audit_command(app)};

  line.action = Action::kExit;
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    line.exit_code = app.exit(error);
    return line;
  }
  for (auto const& command : commands)
    if (command.app->parsed()) {
      line.exit_code = command.run();
      return line;
    }
  require_protection(options);
  if (options.spool.empty()) options.spool = default_spool();
  if (options.worker_dir.empty())
    options.worker_dir = fs::read_symlink("/proc/self/exe").parent_path();
  if (check_config)
    std::cout << "configuration ok\n";
  else
    line.action = Action::kServe;
  return line;
}

}  // namespace chistream
