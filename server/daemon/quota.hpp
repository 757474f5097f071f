/// What a tenant may have at a time, as the access file says (TenantLimits).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "security/callers.hpp"
#include "store/journal.hpp"

namespace chistream {

/// Thread-safe. Calls that come at the same moment may each find the last place free.
/// Throws RequestError RESOURCE_EXHAUSTED TENANT_LIMIT, with the limit's name.
class Quota {
 public:
  Quota(Callers const& callers, Journal& journal) : callers_(callers), journal_(journal) {}

  void require_room_for_upload(std::string const& tenant, std::uint64_t declared_bytes) const;
  void require_room_for_job(std::string const& tenant) const;
  /// Counts as a watch stream for as long as it lives.
  std::shared_ptr<void> watch_stream(std::string const& tenant);

 private:
  Callers const& callers_;
  Journal& journal_;
  std::mutex mutex_;  // guards watching_
  std::map<std::string, std::uint64_t> watching_;
};

}  // namespace chistream
