#include "schedule/slurm_pool.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <fstream>
#include <set>

#include "store/file.hpp"
#include "store/random_id.hpp"

namespace chistream {
namespace {

// What Slurm took away says nothing about the job that ran there.
bool taken_away(std::string const& state) {
  static std::set<std::string> const kTaken{"NODE_FAIL", "PREEMPTED", "CANCELLED",
                                            "TIMEOUT",   "BOOT_FAIL", "UNKNOWN"};
  return kTaken.contains(state);
}

}  // namespace

SlurmPool::SlurmPool(SlurmOptions options, JobQueue& queue, WorkerTokens& tokens)
    : options_(std::move(options)),
      queue_(queue),
      tokens_(tokens),
      prefix_("qsm-" + options_.instance + "-") {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void SlurmPool::run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  do {
    try {
      look_after();
    } catch (std::exception const& error) {
      spdlog::error("slurm: {}", error.what());
    }
  } while (!wake.wait_for(lock, stop, options_.period, [&] { return stop.stop_requested(); }));
}

void SlurmPool::look_after() {
  auto const seen = slurm_.jobs(prefix_);
  if (answered_ != seen.has_value())
    spdlog::warn(seen ? "slurm: the controller answers again"
                      : "slurm: the controller does not answer; workers that run go on");
  answered_ = seen.has_value();
  if (!seen) return;
  reconcile(*seen);
  kill_what_must_be_killed();
  hand_in_what_is_wanted();
}

void SlurmPool::reconcile(std::vector<SlurmJob> const& seen) {
  std::map<std::string, SlurmJob> by_name;
  for (SlurmJob const& job : seen) by_name[job.name] = job;
  std::map<std::string, Pilot> gone;
  {
    std::scoped_lock const lock(mutex_);
    for (auto& [name, pilot] : pilots_) {
      auto const found = by_name.find(name);
      if (found != by_name.end())
        pilot.state = found->second.state;
      else if (pilot.state != "PENDING" || Clock::now() - pilot.handed_in > options_.missing_grace)
        gone[name] = pilot;
    }
    for (auto const& [name, pilot] : gone) pilots_.erase(name);
    for (auto const& [name, pilot] : pilots_) by_name.erase(name);
  }
  for (auto const& [name, pilot] : gone) {
    std::string const state =
        pilot.slurm_id.empty() ? "UNKNOWN" : slurm_.last_state(pilot.slurm_id);
    spdlog::info("slurm: worker {} (job {}) is gone, {}", name, pilot.slurm_id, state);
    forget(name);
    queue_.retire_worker(name, "the Slurm state " + state,
                         taken_away(state) ? Loss::kTakenAway : Loss::kCrashed);
  }
  for (auto const& [name, job] : by_name) {  // of a daemon before this one, or killed
    spdlog::info("slurm: job {} ({}) is nobody's, cancelled", job.id, name);
    forget(name);
    queue_.retire_worker(name, "it belonged to a daemon before this one", Loss::kTakenAway);
    slurm_.cancel(job.id, false);
  }
}

void SlurmPool::kill_what_must_be_killed() {
  for (auto const& [name, pilot] : pilots()) {
    if (!queue_.must_be_killed(name, options_.cancel_grace)) continue;
    {
      std::scoped_lock const lock(mutex_);
      pilots_.erase(name);  // another takes its place
    }
    spdlog::warn("slurm: worker {} killed, it hangs or did not let go of a job that was to stop",
                 name);
    slurm_.cancel(pilot.slurm_id, true);
    forget(name);
    queue_.retire_worker(name, "SIGKILL");
  }
}

void SlurmPool::hand_in_what_is_wanted() {
  auto const counts = queue_.counts();
  std::size_t const wanted = std::min<std::size_t>(counts.queued + counts.running,
                                                   static_cast<std::size_t>(options_.window));
  for (std::size_t have = pilots().size(); have < wanted; ++have) hand_in();
}

void SlurmPool::hand_in() {
  std::string const name = prefix_ + random_id();
  std::string credentials;
  if (!options_.address.starts_with("unix:")) {
    std::string const token = random_id() + random_id();
    File file(file_of(name, ".token"), O_WRONLY | O_CREAT | O_EXCL, 0600);
    file.write_at(0, std::as_bytes(std::span(token)));
    tokens_.add(name, token);
    credentials = " --tls-ca " + quoted(options_.server_ca.string()) + " --token-file " +
                  quoted(file_of(name, ".token").string());
  }
  std::string const script = "#!/bin/sh\nexec " + quoted(options_.program) + " serve --socket " +
                             quoted(options_.address) + credentials + " --worker-id " + name +
                             " --device 0 --idle-exit-s " + std::to_string(options_.idle_exit_s) +
                             "\n";
  {
    // Before sbatch: the worker may be there before its answer.
    std::scoped_lock const lock(mutex_);
    pilots_[name] = {.slurm_id = "", .handed_in = Clock::now()};
  }
  std::vector<std::string> arguments = options_.sbatch;
  arguments.push_back("--output=" + file_of(name, ".log").string());
  std::string const id = slurm_.submit(name, script, arguments);
  spdlog::info("slurm: worker {} handed in as job {}", name, id);
  std::scoped_lock const lock(mutex_);
  pilots_[name].slurm_id = id;
}

std::filesystem::path SlurmPool::file_of(std::string const& name, char const* suffix) const {
  return options_.folder / (name + suffix);
}

void SlurmPool::forget(std::string const& name) {
  tokens_.remove(name);
  std::ifstream output(file_of(name, ".log"));
  for (std::string line; std::getline(output, line);) spdlog::info("[{}] {}", name, line);
  std::error_code ignored;
  for (char const* suffix : {".log", ".token"})
    std::filesystem::remove(file_of(name, suffix), ignored);
}

void SlurmPool::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  for (auto const& [name, pilot] : pilots())
    if (!pilot.slurm_id.empty()) slurm_.cancel(pilot.slurm_id, false);
  std::scoped_lock const lock(mutex_);
  pilots_.clear();
}

std::map<std::string, SlurmPool::Pilot> SlurmPool::pilots() {
  std::scoped_lock const lock(mutex_);
  return pilots_;
}

std::vector<qsm::v1::WorkerStatus> SlurmPool::status() {
  std::vector<qsm::v1::WorkerStatus> all;
  for (auto const& [name, pilot] : pilots()) {
    qsm::v1::WorkerStatus& status = all.emplace_back();
    status.set_worker_id(name);
    status.mutable_device()->set_name("Slurm job " + pilot.slurm_id + ", " + pilot.state);
    status.mutable_device()->set_kind("slurm");
    status.set_job_id(queue_.job_of(name));
  }
  return all;
}

}  // namespace chistream
