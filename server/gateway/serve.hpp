/// The gateway as a whole, until a signal.
#pragma once

#include <filesystem>
#include <string>

namespace chistream::gateway {

struct ServeOptions {
  std::filesystem::path config;
  std::filesystem::path state;
  std::string listen;   // of DicomService: unix:PATH or loopback
  std::string metrics;  // host:port of /metrics; empty: none
};

/// Takes the lock on the state folder, receives, reconstructs, delivers; 0 after SIGTERM or SIGINT.
int serve(ServeOptions const& options);

}  // namespace chistream::gateway
