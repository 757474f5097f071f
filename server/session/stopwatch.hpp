#pragma once

#include <chrono>

namespace chistream {

/// Seconds of monotonic time since the last lap.
class Stopwatch {
 public:
  double lap() {
    auto const now = Clock::now();
    std::chrono::duration<double> const elapsed = now - begin_;
    begin_ = now;
    return elapsed.count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace chistream
