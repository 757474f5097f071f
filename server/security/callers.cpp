#include "security/callers.hpp"

#include <chrono>

#include "store/request_error.hpp"

namespace chistream {
namespace {

constexpr std::string_view kBearer = "Bearer ";

[[noreturn]] void unauthenticated(std::string const& reason, std::string const& message,
                                  std::string const& hint) {
  throw RequestError(grpc::UNAUTHENTICATED, reason, message, hint);
}

std::string token_of(grpc::ServerContext const& context) {
  auto const& metadata = context.client_metadata();
  auto const found = metadata.find("authorization");
  if (found == metadata.end()) return "";
  std::string const value(found->second.data(), found->second.size());
  if (!value.starts_with(kBearer))
    unauthenticated("TOKEN_UNKNOWN", "the authorization is no bearer token",
                    "send 'authorization: Bearer TOKEN'");
  return value.substr(kBearer.size());
}

Caller valid(KnownCaller const& known) {
  auto const today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  if (known.last_day && today > *known.last_day)
    unauthenticated("TOKEN_EXPIRED", "the credentials have expired",
                    "ask whoever runs the server for new ones");
  return known.caller;
}

}  // namespace

Callers::Callers(std::filesystem::path path) : path_(std::move(path)) {
  reload();
}

void Callers::reload() {
  if (path_.empty()) return;
  auto read = std::make_shared<AccessFile const>(AccessFile::read(path_));
  std::scoped_lock const lock(mutex_);
  file_ = std::move(read);
}

Caller Callers::identify(grpc::ServerContext const& context) const {
  auto const known = file();
  if (!known)
    return {.name = "local",
            .tenant = "",
            .roles = {Role::kSubmit, Role::kRead, Role::kEmergency, Role::kAdmin}};
  if (std::string const token = token_of(context); !token.empty()) {
    if (auto const* const caller = known->by_token(token)) return valid(*caller);
    unauthenticated("TOKEN_UNKNOWN", "this server does not know the token",
                    "ask whoever runs the server for one");
  }
  auto const peer = context.auth_context();
  if (!peer->IsPeerAuthenticated())
    unauthenticated("TOKEN_MISSING", "this server serves only callers it knows",
                    "give --token-file, or --tls-cert and --tls-key");
  for (char const* property : {"x509_subject_alternative_name", "x509_common_name"})
    for (grpc::string_ref const& name : peer->FindPropertyValues(property))
      if (auto const* const caller = known->by_certificate({name.data(), name.size()}))
        return valid(*caller);
  unauthenticated("CERTIFICATE_UNKNOWN", "this server does not know who this certificate is for",
                  "its name has to stand in the access file");
}

TenantLimits Callers::limits(std::string const& tenant) const {
  auto const known = file();
  return known ? known->limits(tenant) : TenantLimits{};
}

std::shared_ptr<AccessFile const> Callers::file() const {
  std::scoped_lock const lock(mutex_);
  return file_;
}

}  // namespace chistream
