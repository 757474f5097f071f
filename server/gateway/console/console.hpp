/// One connection of a scanner's console that speaks MRD, in a process of its own whose standard
/// input is the connection.
#pragma once

#include <filesystem>
#include <string>

namespace chistream::gateway {

struct ConsoleOptions {
  std::filesystem::path config;
  std::filesystem::path state;
  std::size_t console = 0;  // index into Settings::consoles
  std::string service;      // where the gateway's DicomService listens
};

/// Takes configuration, XML header, acquisitions, waveforms until the close, writing every byte to
/// a capture, which is uploaded to the daemon as it comes (live_upload.hpp). Then the gateway
/// reconstructs ("captured UPLOAD FILE" on stdout tells it, "-" for no upload), and this process
/// sends back: texts on the way ("job ...", or "ERROR REASON: ..."), the map as one 16-bit image
/// per slice in ppb, and a close. A connection that breaks off before the close leaves what came
/// in rejected/, and a line in the log that names it; so does one that is no MRD stream. Returns
/// the exit code.
int serve_console(ConsoleOptions const& options);

}  // namespace chistream::gateway
