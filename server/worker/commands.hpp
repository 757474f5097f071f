/// The subcommands of the worker. Each adds itself to the program and gives back what runs it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

namespace chistream {

struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;  // answers the exit code; throws what to_error_detail() understands
};

Command add_describe(CLI::App& program);
Command add_estimate(CLI::App& program);
Command add_inspect(CLI::App& program);
Command add_serve(CLI::App& program);
Command add_run(CLI::App& program);
Command add_simulate(CLI::App& program);
Command add_stage(CLI::App& program);

// Below `stage`, each in a file of its own name.
Command add_stage_combine(CLI::App& stage);
Command add_stage_mask(CLI::App& stage);
Command add_stage_unwrap(CLI::App& stage);
Command add_stage_field(CLI::App& stage);
Command add_stage_r2s(CLI::App& stage);
Command add_stage_background(CLI::App& stage);
Command add_stage_invert(CLI::App& stage);
Command add_stage_score(CLI::App& stage);

/// Runs the command that was chosen on the command line.
int run_chosen(std::vector<Command> const& commands);

/// Host threads of the numerics; 0 leaves the choice to the runtime.
void use_threads(int count);

}  // namespace chistream
