#include "daemon/admission.hpp"

#include "store/request_error.hpp"

namespace chistream {

void Admission::require_room(std::uint64_t declared_bytes) const {
  if (queue_.draining()) throw draining_refusal();
  std::uint64_t const free = spool_.free_bytes(), reserve = reserve_bytes_;
  if (free < reserve || declared_bytes > free - reserve)
    throw RequestError(grpc::RESOURCE_EXHAUSTED, "DISK_FULL",
                       std::to_string(declared_bytes) + " bytes announced, " +
                           std::to_string(free) + " are free, " + std::to_string(reserve) +
                           " of them in reserve",
                       "free space in the spool, or ask again later");
}

std::string Admission::not_ready() const {
  if (queue_.draining()) return "draining";
  if (spool_.free_bytes() < reserve_bytes_) return "less disk space is free than the reserve";
  if (audit_.waiting() > 0) return "the audit trail cannot be written";
  return "";
}

}  // namespace chistream
