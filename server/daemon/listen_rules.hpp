/// Which addresses a server may listen on with which protection.
#pragma once

#include "daemon/options.hpp"

namespace chistream {

/// Whoever can be reached from another machine encrypts, knows its callers, and asks for their
/// certificates unless told that tokens are enough. Throws RequestError INVALID_ARGUMENT
/// NOT_LOOPBACK or BAD_ADDRESS, with what is missing.
void require_protection(DaemonOptions const& options);

}  // namespace chistream
