/// Whether the wall clock can be believed. It dates what is written and says what is old enough to
/// be removed; everything that waits or times out goes by the steady clock.
#pragma once

#include <spdlog/spdlog.h>

#include <chrono>

namespace chistream {

/// For one thread.
class WallClock {
 public:
  static constexpr std::chrono::minutes kTolerance{60};

  /// False once the clock was set by more than kTolerance since the start, however it stands now:
  /// then nothing is removed for its age until the server is started again.
  bool trusted() {
    auto const off = std::chrono::system_clock::now() - wall_ -
                     std::chrono::duration_cast<std::chrono::system_clock::duration>(
                         std::chrono::steady_clock::now() - steady_);
    if (trusted_ && std::chrono::abs(off) > kTolerance) {
      trusted_ = false;
      spdlog::error("the clock was set by {} s; nothing is removed for its age until a restart",
                    std::chrono::duration_cast<std::chrono::seconds>(off).count());
    }
    return trusted_;
  }

 private:
  std::chrono::system_clock::time_point const wall_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point const steady_ = std::chrono::steady_clock::now();
  bool trusted_ = true;
};

}  // namespace chistream
