/// Programs that are started: workers and their short calls, receivers of DICOM associations.
///
/// A child gets what is meant for it as stdin, none of our descriptors, no blocked signals, and
/// SIGKILL when the thread that started it ends (Linux ties PR_SET_PDEATHSIG to that thread, not to
/// the process), so no worker outlives its daemon, however the daemon ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/file.hpp"

namespace chistream {

enum class Capture { kOutput, kOutputAndErrors };  // the rest goes to our own stderr

class ChildProcess {
 public:
  /// argv[0] is the path of the program; it reads `input` and then the end of it, which must fit
  /// into a pipe (64 KiB). Throws std::system_error, std::length_error.
  ChildProcess(std::vector<std::string> const& argv, Capture capture, std::string_view input = "");

  /// What it reads is `input`: a file, a socket.
  ChildProcess(std::vector<std::string> const& argv, Capture capture, File const& input);
  ~ChildProcess();  // kills and reaps
  ChildProcess(ChildProcess const&) = delete;
  ChildProcess& operator=(ChildProcess const&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number);

  /// To be polled for what the child wrote, or for its end.
  int output_fd() const { return output_.fd(); }

  /// Appends what the child wrote to `text`, waiting at most `timeout` for it to write. False: the
  /// child has closed its end.
  bool read(std::string& text, std::chrono::milliseconds timeout);

  /// How the child ended, once it has: "exit code 2", "signal 11".
  struct End {
    int exit_code = -1;  // -1: by a signal
    std::string text;
  };
  std::optional<End> ended();

 private:
  File output_;
  pid_t pid_ = -1;
  std::optional<End> end_;
};

struct Captured {
  std::string output;
  ChildProcess::End end;
};

/// Runs a program to its end. nullopt: killed because it took longer than `timeout` or wrote more
/// than 16 MiB.
std::optional<Captured> run_program(std::vector<std::string> const& argv,
                                    std::chrono::milliseconds timeout, std::string_view input = "");

}  // namespace chistream
