/// Where every call of a client comes in: who is it, may it, and is it its own exam?
///
/// A handler is one line, `return gate_.answer(context, "JobService/GetJob", *request, ...)`. The
/// roles come from access_table(); a method that is not there is denied. Whatever a request names
/// by a field called upload_id or job_id, however deep, must belong to the caller's tenant: what
/// belongs to another is NOT_FOUND, in the same words as what does not exist. So a new RPC cannot
/// forget either. What the table says is written to the audit trail, and so is whoever is refused.
///
/// Thread-safe.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <string>

#include "daemon/failure_throttle.hpp"
#include "daemon/metrics.hpp"
#include "security/audit.hpp"
#include "security/callers.hpp"
#include "store/journal.hpp"

namespace chistream {

class Gate {
 public:
  Gate(Callers const& callers, Audit& audit, Metrics& metrics, Journal& journal)
      : callers_(callers), audit_(audit), metrics_(metrics), journal_(journal) {}

  /// Runs the body of a handler, if the caller may call it, and turns what it throws into a status
  /// (status.hpp). `response`, where given, is searched for the ids that the audit trail names.
  grpc::Status answer(grpc::ServerContext const& context, std::string_view method,
                      google::protobuf::Message const& request,
                      std::function<void(Caller const&)> const& body,
                      google::protobuf::Message const* response = nullptr);

  /// For what comes in a stream. Throws RequestError NOT_FOUND UPLOAD_NOT_FOUND, JOB_NOT_FOUND.
  void require_own(Caller const& caller, google::protobuf::Message const& message) const;

 private:
  Caller admit(grpc::ServerContext const& context, AccessRule const* rule) const;
  /// What the audit trail is to hear of it; a peer that is refused too often, no more of.
  AuditEvent event_of(AccessRule const* rule, grpc::Status const& status, std::string const& peer);

  Callers const& callers_;
  Audit& audit_;
  Metrics& metrics_;
  Journal& journal_;
  FailureThrottle refused_;
};

}  // namespace chistream
