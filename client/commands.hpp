/// The subcommands of `chistream`. Each add_*() declares one and returns what runs it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace chistream {

/// Exit statuses, which scripts rely on.
enum Exit {
  kExitOk = 0,
  kExitUsage = 2,        // flags, options, or an output folder that cannot be used
  kExitRefused = 3,      // the input, or the request, is refused with a named reason
  kExitJobFailed = 4,    // the job failed, expired or was cancelled
  kExitUnreachable = 5,  // no answer from the server, or it cannot take the exam now
  kExitInterrupted = 130,
};

struct Command {
  CLI::App* app;
  std::function<int()> run;
};

Command add_reconstruct(CLI::App& program);
Command add_submit(CLI::App& program);
Command add_watch(CLI::App& program);
Command add_fetch(CLI::App& program);
Command add_cancel(CLI::App& program);
Command add_priority_command(CLI::App& program);
Command add_retry(CLI::App& program);
Command add_jobs(CLI::App& program);
Command add_delete(CLI::App& program);
Command add_keep(CLI::App& program);
Command add_info(CLI::App& program);
Command add_admin(CLI::App& program);
Command add_exams(CLI::App& program);
Command add_deliveries(CLI::App& program);
Command add_nodes(CLI::App& program);
Command add_simulate(CLI::App& program);

/// Prints reason, message and hint to stderr; returns the exit status that goes with it.
int report(std::exception const& error);

}  // namespace chistream
