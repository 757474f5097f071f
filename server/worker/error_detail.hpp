/// The one converter from a failure to what a client is told about it.
#pragma once

#include <exception>
#include <string>

#include "qsm/v1/error.pb.h"

namespace chistream {

/// `stage`: where in the chain it happened, empty outside. An exception without a stable reason
/// becomes INTERNAL: its text may quote a file name, so it goes to the log, not to the client.
qsm::v1::ErrorDetail to_error_detail(std::exception const& error, std::string const& stage = {});

/// For a shell: 2 for input or options that cannot be used, 3 for a device that is missing or
/// fails, 4 for too little memory, 130 after cancelling, 1 for everything else.
int exit_code(std::exception const& error);

}  // namespace chistream
