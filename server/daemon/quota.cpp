#include "daemon/quota.hpp"

#include "store/request_error.hpp"

namespace chistream {
namespace {

constexpr double kGib = 1u << 30;

[[noreturn]] void no_room(std::string const& limit, std::string const& hint) {
  throw RequestError(grpc::RESOURCE_EXHAUSTED, "TENANT_LIMIT",
                     "the tenant has reached its limit of " + limit, hint);
}

}  // namespace

void Quota::require_room_for_upload(std::string const& tenant, std::uint64_t declared_bytes) const {
  TenantLimits const limits = callers_.limits(tenant);
  if (!limits.open_uploads && !limits.upload_gib) return;
  TenantUse const use = journal_.use_of(tenant);
  if (limits.open_uploads && use.open_uploads >= *limits.open_uploads)
    no_room(std::to_string(*limits.open_uploads) + " open uploads",
            "commit or abort those that are open");
  double const bytes = static_cast<double>(use.upload_bytes + declared_bytes);
  if (limits.upload_gib && bytes > *limits.upload_gib * kGib)
    no_room(std::to_string(*limits.upload_gib) + " GiB of uploads",
            "delete results that are no longer needed, or ask again later");
}

void Quota::require_room_for_job(std::string const& tenant) const {
  TenantLimits const limits = callers_.limits(tenant);
  if (limits.unfinished_jobs && journal_.use_of(tenant).unfinished_jobs >= *limits.unfinished_jobs)
    no_room(std::to_string(*limits.unfinished_jobs) + " unfinished jobs",
            "submit again when some have ended");
}

std::shared_ptr<void> Quota::watch_stream(std::string const& tenant) {
  TenantLimits const limits = callers_.limits(tenant);
  std::scoped_lock const lock(mutex_);
  std::uint64_t& count = watching_[tenant];
  if (limits.watch_streams && count >= *limits.watch_streams)
    no_room(std::to_string(*limits.watch_streams) + " watch streams", "watch fewer jobs at a time");
  ++count;
  return {nullptr, [this, tenant](void*) {
            std::scoped_lock const again(mutex_);
            --watching_[tenant];
          }};
}

}  // namespace chistream
