/// Ctrl-C: say what goes on without us, and leave.
#pragma once

#include <string>

namespace chistream {

/// From now on SIGINT and SIGTERM print `message` and end the process with status 130. Nothing
/// needs cleaning up: uploads and fetches are whole or taken up again. Messages beyond 500
/// characters are cut.
void on_interrupt_say(std::string const& message);

}  // namespace chistream
