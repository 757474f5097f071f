#include "daemon/options.hpp"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

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
  app.add_option("--listen", options.listen, "host:port on loopback, or unix:PATH")
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
  app.add_option("--cancel-grace-s", options.cancel_grace_s,
                 "a worker that still has a cancelled job after this time is killed")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--aging-s", options.aging_s,
                 "a job that waited so long counts one class higher, at most as urgent")
      ->check(CLI::Range(1.0, 1e6))
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
  app.add_option("--log-file", options.log_file, "[stderr]");
  app.add_option("--log-level", options.log_level)
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();

  line.action = Action::kExit;
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    line.exit_code = app.exit(error);
    return line;
  }
  require_loopback(options.listen);
  if (options.spool.empty()) options.spool = default_spool();
  if (options.worker_dir.empty())
    options.worker_dir = fs::read_symlink("/proc/self/exe").parent_path();
  if (check_config)
    std::cout << "configuration ok\n";
  else
    line.action = Action::kServe;
  return line;
}

void require_loopback(std::string const& address) {
  if (address.starts_with("unix:")) return;
  std::size_t const colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size())
    throw RequestError(grpc::INVALID_ARGUMENT, "BAD_ADDRESS",
                       "'" + address + "' is neither host:port nor unix:PATH");
  std::string const host = address.substr(0, colon);
  in_addr v4{};
  bool const loopback =
      host == "localhost" || host == "[::1]" ||
      (::inet_pton(AF_INET, host.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127);
  if (!loopback)
    throw RequestError(grpc::INVALID_ARGUMENT, "NOT_LOOPBACK",
                       "'" + address +
                           "' could be reached from other machines, and connections "
                           "are not encrypted yet",
                       "listen on 127.0.0.1:PORT or unix:PATH");
}

}  // namespace chistream
