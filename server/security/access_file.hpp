/// Who is who: callers with their tenants and roles, and what each tenant may take up.
///
///   {"tenants": {"radiology": {"open_uploads": 16, "unfinished_jobs": 200, "upload_gib": 500,
///                              "watch_streams": 64}},
///    "callers": [{"name": "console 3", "tenant": "radiology", "roles": ["submit", "read"],
///                 "token_sha256": "9f86...", "expires": "2027-11-29"},
///                {"name": "pacs", "tenant": "radiology", "roles": ["read"],
///                 "certificate": "pacs.hospital.example"}]}
///
/// A limit left out is none. Of a token only the SHA-256 is kept: it is 256 random bits, so a hash
/// that is quick to compute is no help to whoever finds the file. `certificate` is a DNS name or
/// URI of the client certificate's subject alternative names, or else its common name.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "security/caller.hpp"

namespace chistream {

/// What a tenant may have at a time.
struct TenantLimits {
  std::optional<std::uint64_t> open_uploads;
  std::optional<std::uint64_t> unfinished_jobs;
  std::optional<double> upload_gib;  // of uploads in the spool
  std::optional<std::uint64_t> watch_streams;
};

struct KnownCaller {
  Caller caller;
  std::string token_sha256;                         // or
  std::string certificate;                          //
  std::optional<std::chrono::sys_days> last_day{};  // UTC
};

class AccessFile {
 public:
  /// Throws RequestError INVALID_ARGUMENT ACCESS_FILE with what is wrong, entry and field.
  static AccessFile read(std::filesystem::path const& path);
  static AccessFile parse(std::string const& json);

  KnownCaller const* by_token(std::string_view token) const;
  KnownCaller const* by_certificate(std::string_view name) const;
  TenantLimits limits(std::string const& tenant) const;

 private:
  static AccessFile file_of(nlohmann::json const& content);

  std::vector<KnownCaller> callers_;
  std::map<std::string, TenantLimits> tenants_;
};

/// Adds a caller with a new token to the file, which is made if it is not there, and returns the
/// token: nobody can tell it again. Throws as read() does, RequestError ALREADY_EXISTS
/// CALLER_EXISTS.
std::string add_token(std::filesystem::path const& path, Caller const& caller, int days);

}  // namespace chistream
