/// The deep check of a container, in a process of its own: `<worker> inspect FILE`.
#pragma once

#include <chrono>
#include <filesystem>

#include "qsm/v1/acquisition.pb.h"

namespace chistream {

class Inspector {
 public:
  Inspector(std::filesystem::path worker, std::chrono::milliseconds timeout)
      : worker_(std::move(worker)), timeout_(timeout) {}

  /// What the worker found. Throws RequestError: INVALID_ARGUMENT with the worker's own reason, or
  /// INTERNAL INSPECT_FAILED (retryable) when it crashed or took too long.
  qsm::v1::InputSummary operator()(std::filesystem::path const& container) const;

 private:
  std::filesystem::path worker_;
  std::chrono::milliseconds timeout_;
};

}  // namespace chistream
