/// How urgent a job is, as people write it.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "qsm/v1/job.pb.h"

namespace chistream {

/// "batch", "routine", "urgent" or "emergency".
std::string priority_name(qsm::v1::Priority priority);

/// The other way; nothing for any other text.
std::optional<qsm::v1::Priority> priority_called(std::string const& name);

/// An option or a positional argument called `name` that takes one of these.
CLI::Option* add_priority(CLI::App& app, std::string const& name, qsm::v1::Priority& priority,
                          std::string const& help);

}  // namespace chistream
