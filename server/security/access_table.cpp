#include "security/access_table.hpp"

#include <algorithm>

namespace chistream {
namespace {

constexpr Roles kSubmit{Role::kSubmit};
constexpr Roles kRead{Role::kRead};
constexpr Roles kAdmin{Role::kAdmin};
constexpr Roles kEither{Role::kSubmit, Role::kRead};
constexpr Roles kAnyone{Role::kSubmit, Role::kRead, Role::kEmergency, Role::kAdmin};

using enum AuditEvent;

constexpr AccessRule kTable[] = {
    {"UploadService/CreateUpload", kSubmit, kNone},
    {"UploadService/WriteChunks", kSubmit, kNone},
    {"UploadService/GetUpload", kSubmit, kNone},
    {"UploadService/CommitUpload", kSubmit, kImport},
    {"UploadService/AbortUpload", kSubmit, kStudyDeleted},
    {"JobService/SubmitJob", kSubmit, kInstancesAccessed},
    {"JobService/EstimateJob", kSubmit, kNone},
    {"JobService/GetJob", kEither, kNone},
    {"JobService/ListJobs", kEither, kNone},
    {"JobService/WatchJob", kEither, kNone},
    {"JobService/CancelJob", kSubmit, kInstancesAccessed},
    {"JobService/SetPriority", kSubmit, kInstancesAccessed},
    {"JobService/RetryJob", kSubmit, kInstancesAccessed},
    {"JobService/ListPipelines", kAnyone, kNone},
    {"ResultService/ListArtifacts", kRead, kNone},
    {"ResultService/ReadArtifact", kRead, kExport},
    {"ResultService/StreamSeries", kRead, kExport},
    {"ResultService/DeleteResult", kSubmit, kStudyDeleted},
    {"ResultService/ExtendRetention", kSubmit, kInstancesAccessed},
    {"AdminService/GetServerInfo", kAnyone, kNone},
    {"AdminService/SetDrain", kAdmin, kApplicationActivity},
    {"AdminService/ReloadConfig", kAdmin, kApplicationActivity},
    {"AdminService/TailAudit", kAdmin, kSecurityAlert},
};

}  // namespace

std::span<AccessRule const> access_table() {
  return kTable;
}

AccessRule const* rule_for(std::string_view method) {
  auto const found = std::find_if(std::begin(kTable), std::end(kTable),
                                  [&](AccessRule const& rule) { return rule.method == method; });
  return found == std::end(kTable) ? nullptr : found;
}

}  // namespace chistream
