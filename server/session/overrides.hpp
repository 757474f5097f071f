/// `--set stage.option=value`, typed by what the server says about the option.
#pragma once

#include <string_view>
#include <vector>

#include "qsm/v1/pipeline.pb.h"
#include "session/connection.hpp"

namespace chistream {

/// The pipeline called `name` ("brain-3t@1", or "brain-3t" for its newest version); the first if
/// `name` is empty. Throws FormatError UNKNOWN_PIPELINE.
qsm::v1::PipelineDescription const& find_pipeline(
    google::protobuf::RepeatedPtrField<qsm::v1::PipelineDescription> const& pipelines,
    std::string_view name);

/// "brain-3t@1".
std::string full_name(qsm::v1::PipelineDescription const& pipeline);

/// `spec` with the pipeline called `name` and what `assignments` say; of two settings of one option
/// the last counts. Asks the server for its pipelines. Throws RpcError and as the two functions
/// below.
qsm::v1::JobSpec resolved(Connection& server, qsm::v1::JobSpec spec, std::string_view name,
                          std::vector<std::string> const& assignments, Patience const& patience);

/// Ranges and choices are left to the server. Throws FormatError OPTION_TYPE, UNKNOWN_OPTION.
qsm::v1::Override parse_override(qsm::v1::PipelineDescription const& pipeline,
                                 std::string_view assignment);

/// "2e-4", "nltv", "6,4,2".
std::string value_text(qsm::v1::Override const& value);

}  // namespace chistream
