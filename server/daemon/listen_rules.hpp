/// Which addresses a server may listen on with which protection.
#pragma once

#include "daemon/options.hpp"

namespace chistream {

/// 127.0.0.0/8, [::1], localhost, each with a port, or unix:PATH. Throws RequestError
/// INVALID_ARGUMENT BAD_ADDRESS.
bool is_loopback(std::string const& address);

/// Whoever can be reached from another machine encrypts, knows its callers, and asks for their
/// certificates unless told that tokens are enough. Throws RequestError INVALID_ARGUMENT
/// NOT_LOOPBACK or BAD_ADDRESS, with what is missing.
void require_protection(DaemonOptions const& options);

}  // namespace chistream
