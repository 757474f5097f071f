/// The options of a stage as flags: "field.leap_turns" of the option table becomes --leap-turns.
#pragma once

#include <CLI/CLI.hpp>

#include "pipeline/options.hpp"

namespace chistream {

/// Adds a flag for every row named `stage`.*, its name behind `prefix`; what is given is set,
/// range-checked, in `options`, which has to outlive the parsing. Parsing throws
/// Error{kInvalidArgument} as qsm::set_option.
void add_stage_options(CLI::App& app, std::string const& stage, qsm::PipelineOptions& options,
                       std::string const& prefix = "");

}  // namespace chistream
