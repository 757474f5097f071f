/// Between the options of the chain and their messages.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/options.hpp"
#include "qsm/v1/pipeline.pb.h"

namespace chistream {

/// "brain-3t@1", "brain-3t" (any version) or "" (the first). Throws Error{kInvalidArgument,
/// "UNKNOWN_PIPELINE"}.
qsm::Preset const& find_preset(std::string_view name);

std::string full_name(qsm::Preset const& preset);  // "brain-3t@1"

/// Throws Error{kInvalidArgument} as qsm::set_option, and OPTION_TYPE where no value is set.
void apply(qsm::PipelineOptions& options, qsm::v1::Override const& change);

/// "inversion.alpha=3e-4", "background.radii_mm=12,9,6" (empty for an empty list),
/// "inversion.method=tkd". Throws Error{kInvalidArgument}: UNKNOWN_OPTION, OPTION_TYPE.
qsm::v1::Override parse_override(std::string_view assignment);

/// The value as parse_override() reads it.
std::string to_text(qsm::OptionValue const& value);

qsm::v1::Override to_override(std::string const& name, qsm::OptionValue const& value);

}  // namespace chistream
