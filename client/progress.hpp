/// What the user sees while waiting: one line that changes on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace chistream {

/// Writes to stderr, so that stdout holds results alone. Safe to call from several threads.
class Progress {
 public:
  Progress();
  ~Progress();

  /// "upload", 0.42, "590 of 1421 MB". On a terminal a bar, at most ten times a second; elsewhere a
  /// line when `what` changes and at every tenth.
  void show(std::string const& what, double fraction, std::string const& detail);

  /// A line that stays.
  void say(std::string const& line);

  /// Takes the bar away, for output by other means.
  void clear();

 private:
  void clear_locked();

  std::mutex mutex_;
  bool terminal_;
  bool drawn_ = false;
  std::string what_;
  int tenth_ = -1;
  std::chrono::steady_clock::time_point last_{};
};

/// "1.42 GB", "37.1 MB", "512 bytes".
std::string size_text(std::uint64_t bytes);

/// "[#####.....]" of `width` cells.
std::string bar_text(double fraction, std::size_t width);

}  // namespace chistream
