/// chistreamd: flags -> DaemonOptions -> Server, until a signal.
#include <grpc/grpc.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <iostream>

#include "daemon/options.hpp"
#include "daemon/server.hpp"
#include "store/request_error.hpp"

namespace {

void start_log(chistream::DaemonOptions const& options) {
  auto const log = options.log_file.empty()
                       ? spdlog::stderr_logger_mt("chistreamd")
                       : spdlog::basic_logger_mt("chistreamd", options.log_file);
  log->set_level(spdlog::level::from_str(options.log_level));
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);
}

// Chunks of 1 MiB come and go thousands of times a second. As mappings of their own each would be
// zeroed by the kernel and faulted in anew: a tenth of an upload's cost. The peak stays allocated,
// and the quota of messages under way (server.cpp) bounds it.
void keep_memory_of_chunks() {
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  ::mallopt(M_ARENA_MAX, 4);
}

int serve(chistream::DaemonOptions const& options) {
  // Blocked in every thread, so that sigwait below is where they arrive.
  sigset_t ending;
  ::sigemptyset(&ending);
  ::sigaddset(&ending, SIGTERM);
  ::sigaddset(&ending, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  ::signal(SIGPIPE, SIG_IGN);  // whoever reads our output may end before we do

  // Never shut down again: with a connection that ended not long ago gRPC 1.51 waits 10 s for a
  // poller of its own, when all of ours is closed already.
  grpc_init();
  chistream::Server server(options);
  std::cout << "chistreamd listening on " << server.address() << std::endl;
  int received = 0;
  ::sigwait(&ending, &received);
  spdlog::info("stopping on signal {}", received);
  server.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto const line = chistream::parse_command_line(argc, argv);
    if (line.action == chistream::Action::kExit) return line.exit_code;
    ::umask(077);
    keep_memory_of_chunks();
    start_log(line.options);
    return serve(line.options);
  } catch (chistream::RequestError const& error) {
    std::cerr << "chistreamd: " << error.what() << '\n';
    if (!error.detail().hint().empty()) std::cerr << "  " << error.detail().hint() << '\n';
  } catch (std::exception const& error) {
    std::cerr << "chistreamd: " << error.what() << '\n';
  }
  return 1;
}
