/// Whether what is sent to an address stays on this machine.
#pragma once

#include <string>

namespace qsm::channel {

/// unix:PATH, or localhost, [::1] or 127.0.0.0/8 with a port. A name that only begins like one,
/// 127.0.0.1.example.org, is not.
bool is_loopback(std::string const& address);

}  // namespace qsm::channel
