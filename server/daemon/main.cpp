/// chistreamd: flags -> DaemonOptions -> Server, until a signal.
#include <grpc/grpc.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "daemon/options.hpp"
#include "daemon/server.hpp"
#include "store/request_error.hpp"

namespace {

// %* of the pattern: the message as a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(spdlog::details::log_msg const& line, std::tm const&,
              spdlog::memory_buf_t& to) override {
    std::string const text = nlohmann::json(std::string(line.payload.data(), line.payload.size()))
                                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    to.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

void start_log(chistream::DaemonOptions const& options) {
  auto const log = options.log_file.empty()
                       ? spdlog::stderr_logger_mt("chistreamd")
                       : spdlog::basic_logger_mt("chistreamd", options.log_file);
  if (options.log_format == "json") {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
    log->set_formatter(std::move(formatter));
  }
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

// What runs may finish until then, unless another signal says that it is enough.
void drain(chistream::Server& server, double seconds, sigset_t const& signals) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  server.set_draining(true);
  timespec const look{.tv_sec = 0, .tv_nsec = 50'000'000};
  while (!server.idle() && std::chrono::steady_clock::now() < until) {
    int const received = ::sigtimedwait(&signals, nullptr, &look);
    if (received == SIGTERM || received == SIGINT) return;
  }
}

int serve(chistream::DaemonOptions const& options,
          std::function<chistream::DaemonOptions()> const& reread) {
  // Blocked in every thread, so that sigwait below is where they arrive.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  ::signal(SIGPIPE, SIG_IGN);  // whoever reads our output may end before we do

  // Never shut down again: with a connection that ended not long ago gRPC 1.51 waits 10 s for a
  // poller of its own, when all of ours is closed already.
  grpc_init();
  chistream::Server server(options, reread);
  std::cout << "chistreamd listening on " << server.address() << std::endl;
  int received = 0;
  while (::sigwait(&signals, &received) == 0 && received == SIGHUP) try {
      server.reload();
    } catch (std::exception const& error) {
      spdlog::error("not reloaded, everything stays as it was: {}", error.what());
    }
  spdlog::info("stopping on signal {}", received);
  drain(server, options.drain_s, signals);
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
    return serve(line.options, [argc, argv] {
      auto const again = chistream::parse_command_line(argc, argv);
      if (again.action != chistream::Action::kServe)
        throw chistream::RequestError(grpc::INVALID_ARGUMENT, "BAD_CONFIG",
                                      "flags and file make no configuration; the log says why");
      return again.options;
    });
  } catch (chistream::RequestError const& error) {
    std::cerr << "chistreamd: " << error.what() << '\n';
    if (!error.detail().hint().empty()) std::cerr << "  " << error.detail().hint() << '\n';
  } catch (std::exception const& error) {
    std::cerr << "chistreamd: " << error.what() << '\n';
  }
  return 1;
}
