/// The deep check of a container, in a process of its own: `<worker> inspect FILE`.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <semaphore>

#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Thread-safe. As many run at a time as there are processors; the others wait.
class Inspector {
 public:
  Inspector(std::filesystem::path worker, std::chrono::milliseconds timeout);

  /// What the worker found. Throws RequestError: INVALID_ARGUMENT with the worker's own reason, or
  /// INTERNAL INSPECT_FAILED (retryable) when it crashed or took too long.
  qsm::v1::InputSummary operator()(std::filesystem::path const& container) const;

 private:
  std::filesystem::path worker_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<std::counting_semaphore<>> turns_;
};

}  // namespace chistream
