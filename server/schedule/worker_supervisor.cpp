#include "schedule/worker_supervisor.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>

#include "process/child_process.hpp"

namespace chistream {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTick{50};
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{5'000};
constexpr milliseconds kLongLife{10'000};  // after which the next death is a first one again
constexpr milliseconds kTermGrace{2'000};
constexpr std::string_view kAsAsked = "exit code 0";

// Complete lines go to the log, the rest waits for its end.
void log_lines(std::string const& worker_id, std::string& text, bool all) {
  for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
    spdlog::info("[{}] {}", worker_id, text.substr(0, end));
  if (all && !text.empty()) spdlog::info("[{}] {}", worker_id, text);
}

void pause(milliseconds time, std::stop_token const& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

WorkerSupervisor::WorkerSupervisor(SupervisorOptions options, JobQueue& queue)
    : options_(std::move(options)), queue_(queue) {
  *status_.mutable_device() = options_.device;
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void WorkerSupervisor::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

qsm::v1::WorkerStatus WorkerSupervisor::status() {
  qsm::v1::WorkerStatus status;
  {
    std::scoped_lock const lock(mutex_);
    status = status_;
  }
  status.set_job_id(queue_.job_of(status.worker_id()));
  return status;
}

void WorkerSupervisor::run(std::stop_token stop) {
  milliseconds rest = kFirstPause;
  for (std::uint32_t starts = 0; !stop.stop_requested(); ++starts) {
    // A new id for every process: what was given to a dead one is never mixed up with this one.
    std::string const worker_id = options_.name + "." + std::to_string(starts);
    {
      std::scoped_lock const lock(mutex_);
      status_.set_worker_id(worker_id);
      status_.set_restarts(starts);
    }
    auto const started = Clock::now();
    std::string how_it_ended;
    try {
      how_it_ended = run_worker(worker_id, stop);
    } catch (std::exception const& error) {
      how_it_ended = error.what();
    }
    try {
      queue_.retire_worker(worker_id, how_it_ended);
    } catch (std::exception const& error) {  // a full disk; its claims fall silent and are retried
      spdlog::error("worker {}: its job could not be queued again, {}", worker_id, error.what());
    }
    if (stop.stop_requested()) return;
    if (Clock::now() - started > kLongLife) rest = kFirstPause;
    if (how_it_ended == kAsAsked) {  // another tenant is next
      rest = kFirstPause;
      continue;
    }
    spdlog::warn("worker {} ended by {}; starting the next in {} ms", worker_id, how_it_ended,
                 rest.count());
    pause(rest, stop);
    rest = std::min(2 * rest, kLongestPause);
  }
}

std::string WorkerSupervisor::run_worker(std::string const& worker_id,
                                         std::stop_token const& stop) {
  std::vector<std::string> argv = {options_.worker.program.string(),
                                   "serve",
                                   "--socket",
                                   "unix:" + options_.socket,
                                   "--worker-id",
                                   worker_id,
                                   "--device",
                                   std::to_string(options_.device.index())};
  if (options_.threads > 0)
    argv.insert(argv.end(), {"--threads", std::to_string(options_.threads)});
  ChildProcess child(argv, Capture::kOutputAndErrors);
  spdlog::info("worker {}: started as process {}", worker_id, child.pid());

  std::string text;
  bool output_open = true;
  Clock::time_point kill_at = Clock::time_point::max();
  while (true) {
    if (output_open)
      output_open = child.read(text, kTick);
    else
      pause(kTick, stop);
    log_lines(worker_id, text, false);
    if (auto const end = child.ended()) {
      for (std::size_t before = text.size() + 1; output_open && text.size() != before;) {
        before = text.size();
        output_open = child.read(text, milliseconds(0));
      }
      log_lines(worker_id, text, true);
      return end->text;
    }
    if (stop.stop_requested() && kill_at == Clock::time_point::max()) {
      child.signal(SIGTERM);
      kill_at = Clock::now() + kTermGrace;
    }
    if (Clock::now() > kill_at) child.signal(SIGKILL);
    if (queue_.must_be_killed(worker_id, options_.cancel_grace)) {
      spdlog::warn("worker {}: killed, it hangs or did not let go of a job that was to stop",
                   worker_id);
      child.signal(SIGKILL);
      kill_at = Clock::time_point::min();
    }
  }
}

}  // namespace chistream
