/// Who may call what: one table for every RPC that clients reach. What is not in it is denied.
#pragma once

#include <span>
#include <string_view>

#include "security/caller.hpp"

namespace chistream {

/// DICOM PS3.15 section A.5.3, code value of the event (DCM); kNone leaves no trace.
enum class AuditEvent {
  kNone = 0,
  kApplicationActivity = 110100,
  kInstancesAccessed = 110103,
  kInstancesTransferred = 110104,
  kStudyDeleted = 110105,
  kExport = 110106,
  kImport = 110107,
  kSecurityAlert = 110113,
  kUserAuthentication = 110114,
};

struct AccessRule {
  std::string_view method;  // "JobService/SubmitJob", of package qsm.v1
  Roles any_of;             // one of these is needed
  AuditEvent event;
};

std::span<AccessRule const> access_table();

/// nullptr: nobody may call it.
AccessRule const* rule_for(std::string_view method);

}  // namespace chistream
