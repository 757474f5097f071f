/// Whether the server takes in new work at all.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "schedule/job_queue.hpp"
#include "security/audit.hpp"
#include "store/spool.hpp"

namespace chistream {

/// Thread-safe.
class Admission {
 public:
  Admission(Spool& spool, JobQueue const& queue, Audit const& audit, std::uint64_t reserve_bytes)
      : spool_(spool), queue_(queue), audit_(audit), reserve_bytes_(reserve_bytes) {}

  void set_reserve(std::uint64_t bytes) { reserve_bytes_ = bytes; }

  /// Throws RequestError UNAVAILABLE DRAINING, RESOURCE_EXHAUSTED DISK_FULL: the reserve is for
  /// the results of jobs that were accepted, and for the journal.
  void require_room(std::uint64_t declared_bytes) const;

  /// Why no new work is taken; empty: it is.
  std::string not_ready() const;

 private:
  Spool& spool_;
  JobQueue const& queue_;
  Audit const& audit_;
  std::atomic<std::uint64_t> reserve_bytes_;
};

}  // namespace chistream
