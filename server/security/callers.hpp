/// Who a call comes from: by bearer token, else by client certificate, else nobody. Without an
/// access file, which only a server that nobody else can reach may go without, everyone who
/// reaches it is its owner.
///
/// Thread-safe; reload() takes effect with the next call.
#pragma once

#include <grpcpp/server_context.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "security/access_file.hpp"

namespace chistream {

class Callers {
 public:
  /// An empty path: no access file. Throws RequestError ACCESS_FILE.
  explicit Callers(std::filesystem::path path);

  /// Reads the file again. Throws RequestError ACCESS_FILE; what was read before then stays.
  void reload();

  /// Throws RequestError UNAUTHENTICATED: TOKEN_MISSING, TOKEN_UNKNOWN, TOKEN_EXPIRED,
  /// CERTIFICATE_UNKNOWN.
  Caller identify(grpc::ServerContext const& context) const;

  TenantLimits limits(std::string const& tenant) const;

 private:
  std::shared_ptr<AccessFile const> file() const;

  std::filesystem::path const path_;
  mutable std::mutex mutex_;  // guards file_
  std::shared_ptr<AccessFile const> file_;
};

}  // namespace chistream
