#include "client/job_display.hpp"

#include <cstdio>
#include <ctime>
#include <iostream>

#include "client/commands.hpp"
#include "session/job.hpp"
#include "session/priority.hpp"

namespace chistream {

namespace {

std::string local_time(google::protobuf::Timestamp const& at) {
  std::time_t const seconds = at.seconds();
  std::tm parts{};
  char text[32];
  ::localtime_r(&seconds, &parts);
  std::strftime(text, sizeof(text), "%F %T", &parts);
  return text;
}

std::string iteration_text(qsm::v1::Progress const& at) {
  if (at.iteration() == 0) return {};
  std::string text = ", iteration " + std::to_string(at.iteration()) + " of " +
                     std::to_string(at.max_iterations());
  char change[32];
  std::snprintf(change, sizeof(change), ", change %.1e", at.residual());
  return at.residual() > 0 ? text + change : text;
}

}  // namespace

void show_job(Progress& progress, qsm::v1::Job const& job) {
  auto const& at = job.progress();
  if (job.state() != qsm::v1::JOB_STATE_RUNNING || at.stages() == 0) {
    if (!is_terminal(job.state())) progress.show(state_name(job.state()), 0, "");
    return;
  }
  double const within = at.max_iterations() > 0 ? static_cast<double>(at.iteration()) /
                                                      static_cast<double>(at.max_iterations())
                                                : 0;
  char elapsed[32];
  std::snprintf(elapsed, sizeof(elapsed), "%.1f s", at.elapsed_s());
  progress.show(at.stage(), (at.stage_index() + within) / at.stages(),
                "stage " + std::to_string(at.stage_index() + 1) + " of " +
                    std::to_string(at.stages()) + iteration_text(at) + ", " + elapsed);
}

std::string job_line(qsm::v1::Job const& job) {
  char state[32];
  std::snprintf(state, sizeof(state), "%-10s", state_name(job.state()).c_str());
  std::string line = job.job_id() + "  " + state + "  " + local_time(job.created_at()) + "  " +
                     job.spec().pipeline();
  if (job.spec().priority() != qsm::v1::PRIORITY_UNSPECIFIED)
    line += "  " + priority_name(job.spec().priority());
  if (job.state() == qsm::v1::JOB_STATE_RUNNING) line += "  " + job.progress().stage();
  if (job.attempt() > 1) line += "  attempt " + std::to_string(job.attempt());
  if (job.preemptions() > 0) line += "  made room for an emergency";
  if (job.state() == qsm::v1::JOB_STATE_FAILED || job.state() == qsm::v1::JOB_STATE_EXPIRED)
    line += "  " + job.error().reason();
  return line;
}

int report_end(qsm::v1::Job const& job) {
  for (auto const& warning : job.warnings()) std::cerr << "warning: " << warning << '\n';
  std::cout << "job " << job.job_id() << ' ' << state_name(job.state());
  if (job.state() == qsm::v1::JOB_STATE_SUCCEEDED) {
    double seconds = 0;
    for (auto const& stage : job.stage_times()) seconds += stage.seconds();
    std::cout << " on " << job.device() << " in " << seconds << " s" << std::endl;
    return kExitOk;
  }
  std::cout << std::endl;
  if (job.has_error()) {
    auto const& error = job.error();
    std::cerr << error.reason() << ": " << error.message();
    if (!error.stage().empty()) std::cerr << " (stage " << error.stage() << ')';
    std::cerr << '\n';
    if (!error.hint().empty()) std::cerr << "hint: " << error.hint() << '\n';
  }
  return kExitJobFailed;
}

}  // namespace chistream
