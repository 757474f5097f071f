/// Whether the server takes in new work at all.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "security/audit.hpp"
#include "store/spool.hpp"

namespace chistream {

/// Thread-safe.
class Admission {
 public:
  Admission(Spool& spool, Audit const& audit, std::uint64_t reserve_bytes)
      : spool_(spool), audit_(audit), reserve_bytes_(reserve_bytes) {}

  void set_draining(bool draining) { draining_ = draining; }
  bool draining() const { return draining_; }
  void set_reserve(std::uint64_t bytes) { reserve_bytes_ = bytes; }

  /// Throws RequestError UNAVAILABLE DRAINING.
  void require_open() const;
  /// Throws RequestError UNAVAILABLE DRAINING, RESOURCE_EXHAUSTED DISK_FULL: the reserve is for
  /// the results of jobs that were accepted, and for the journal.
  void require_room(std::uint64_t declared_bytes) const;

  /// Why no new work is taken; empty: it is.
  std::string not_ready() const;

 private:
  Spool& spool_;
  Audit const& audit_;
  std::atomic<std::uint64_t> reserve_bytes_;
  std::atomic<bool> draining_ = false;
};

}  // namespace chistream
