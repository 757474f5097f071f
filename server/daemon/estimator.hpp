/// The memory that a job would take, asked of a worker: `<worker> estimate FILE`.
#pragma once

#include <filesystem>

#include "qsm/v1/job.pb.h"

namespace chistream {

class Estimator {
 public:
  /// `device_bytes`: of the largest device.
  Estimator(std::filesystem::path worker, std::uint64_t device_bytes)
      : worker_(std::move(worker)), device_bytes_(device_bytes) {}

  /// Of a resolved spec. Throws RequestError INTERNAL ESTIMATE_FAILED (retryable).
  qsm::v1::Estimate operator()(qsm::v1::JobSpec const& spec,
                               std::filesystem::path const& container) const;

 private:
  std::filesystem::path worker_;
  std::uint64_t device_bytes_;
};

/// Throws RequestError FAILED_PRECONDITION DOES_NOT_FIT.
void require_fit(qsm::v1::Estimate const& estimate);

}  // namespace chistream
