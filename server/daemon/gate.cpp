#include "daemon/gate.hpp"

#include "store/random_id.hpp"
#include "store/request_error.hpp"
#include "store/status.hpp"

namespace chistream {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Calls visit(kind, id) for every id in `message`; kind is "upload" or "job".
template <class Visit>
void for_each_id(Message const& message, Visit const& visit) {
  auto const& reflection = *message.GetReflection();
  std::vector<FieldDescriptor const*> fields;
  reflection.ListFields(message, &fields);
  for (FieldDescriptor const* const field : fields) {
    if (field->is_repeated()) continue;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      for_each_id(reflection.GetMessage(message, field), visit);
    else if (field->name() == "upload_id")
      visit("upload", reflection.GetString(message, field));
    else if (field->name() == "job_id")
      visit("job", reflection.GetString(message, field));
  }
}

void name_ids(Message const& message, std::string& object) {
  for_each_id(message, [&](std::string const& kind, std::string const& id) {
    std::string const named = kind + " " + id.substr(0, 64);
    if (object.find(named) == std::string::npos) object += (object.empty() ? "" : ", ") + named;
  });
}

// "ipv4:10.0.0.7:51234" without the port, which changes with every connection.
std::string address_of(grpc::ServerContext const& context) {
  std::string const peer = context.peer();
  std::size_t const colon = peer.rfind(':');
  return peer.starts_with("ip") && colon != std::string::npos ? peer.substr(0, colon) : peer;
}

// Of W3C's traceparent, 00-<trace id>-<parent id>-<flags>; a new one where none, or none of that
// form, was sent.
std::string trace_of(grpc::ServerContext const& context) {
  auto const found = context.client_metadata().find("traceparent");
  if (found != context.client_metadata().end()) {
    std::string const sent(found->second.data(), found->second.size());
    std::string const id = sent.size() >= 35 ? sent.substr(3, 32) : "";
    bool const hex = id.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!id.empty() && hex && id.find_first_not_of('0') != std::string::npos) return id;
  }
  return random_id();
}

AuditOutcome outcome_of(grpc::Status const& status) {
  switch (status.error_code()) {
    case grpc::OK:
      return AuditOutcome::kSuccess;
    case grpc::INTERNAL:
    case grpc::DATA_LOSS:
      return AuditOutcome::kServerFailed;
    case grpc::UNAVAILABLE:
    case grpc::RESOURCE_EXHAUSTED:
      return AuditOutcome::kFailed;
    default:
      return AuditOutcome::kRefused;
  }
}

}  // namespace

grpc::Status Gate::answer(grpc::ServerContext const& context, std::string_view method,
                          Message const& request, std::function<void(Caller const&)> const& body,
                          Message const* response) {
  auto const began = std::chrono::steady_clock::now();
  AccessRule const* const rule = rule_for(method);
  Caller caller;
  grpc::Status status;
  try {
    caller = admit(context, rule);
    caller.trace_id = trace_of(context);
    require_own(caller, request);
    body(caller);
  } catch (...) {
    status = to_status(method, std::current_exception());
  }
  metrics_.call_ended(method, status, std::chrono::steady_clock::now() - began);
  AuditRecord record{.action = std::string(method),
                     .outcome = outcome_of(status),
                     .caller = caller.name,
                     .tenant = caller.tenant,
                     .peer = address_of(context),
                     .reason = reason_of(status)};
  record.event = event_of(rule, status, record.peer);
  if (record.event == AuditEvent::kNone) return status;
  name_ids(request, record.object);
  if (response) name_ids(*response, record.object);
  audit_.record(record);
  return status;
}

Caller Gate::admit(grpc::ServerContext const& context, AccessRule const* rule) const {
  Caller const caller = callers_.identify(context);
  if (!rule || !caller.roles.meets(rule->any_of))
    throw RequestError(grpc::PERMISSION_DENIED, "ROLE_MISSING",
                       "'" + caller.name + "' does not have the role that this call needs",
                       "docs/security.md lists calls and roles");
  if (rule->event != AuditEvent::kNone) audit_.require_room();
  return caller;
}

void Gate::require_own(Caller const& caller, Message const& message) const {
  for_each_id(message, [&](std::string const& kind, std::string const& id) {
    bool const upload = kind == "upload";
    auto const owner = upload ? journal_.tenant_of_upload(id) : journal_.tenant_of_job(id);
    if (owner == caller.tenant) return;
    if (upload) throw upload_not_found();
    throw job_not_found();
  });
}

AuditEvent Gate::event_of(AccessRule const* rule, grpc::Status const& status,
                          std::string const& peer) {
  bool const unknown = status.error_code() == grpc::UNAUTHENTICATED;
  if (!unknown && status.error_code() != grpc::PERMISSION_DENIED)
    return rule ? rule->event : AuditEvent::kNone;
  if (!refused_.count(peer)) return AuditEvent::kNone;
  return unknown ? AuditEvent::kUserAuthentication : AuditEvent::kSecurityAlert;
}

}  // namespace chistream
