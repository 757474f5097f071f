/// Where workers come from.
///
/// A worker asks for work itself (WorkerService.Claim), so an executor binds no job to a place: it
/// sees to it that workers are there, tells the queue when one is gone, and kills one that does
/// not let go of a job. JobQueue alone decides which job is next, at the moment a worker is free;
/// whatever an executor or a batch system does twice, late, or not at all, claims and their epochs
/// keep from doing harm.
#pragma once

#include <vector>

#include "qsm/v1/admin.pb.h"

namespace chistream {

/// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Ends every worker, and returns when none is left. After JobQueue::stop(), so that what they
  /// were doing does not count against the jobs.
  virtual void stop() = 0;
  virtual std::vector<qsm::v1::WorkerStatus> status() = 0;
};

}  // namespace chistream
