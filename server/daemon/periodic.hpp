/// Does something again and again, in a thread of its own, until destroyed.
#pragma once

#include <spdlog/spdlog.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace chistream {

class Periodic {
 public:
  /// What `task` throws goes to the log, and the next turn is a second later at the earliest: a
  /// full disk stays full for a while.
  Periodic(std::chrono::milliseconds period, std::function<void()> task)
      : thread_([period, task = std::move(task)](std::stop_token stop) {
          std::mutex mutex;
          std::condition_variable_any wake;
          std::unique_lock lock(mutex);
          std::chrono::milliseconds pause = period;
          while (!wake.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) {
            pause = period;
            try {
              task();
            } catch (std::exception const& error) {
              spdlog::error("housekeeping: {}", error.what());
              pause = std::max(pause, std::chrono::milliseconds(1000));
            }
          }
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace chistream
