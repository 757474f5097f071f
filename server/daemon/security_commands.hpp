/// chistreamd token and chistreamd audit: what an operator does with the files of security/.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace chistream {

struct DaemonCommand {
  CLI::App* app;
  std::function<int()> run;  // the exit code
};

DaemonCommand add_token_command(CLI::App& program);
DaemonCommand add_audit_command(CLI::App& program);

}  // namespace chistream
