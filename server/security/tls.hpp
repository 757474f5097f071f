/// The server's side of TLS 1.2 and later.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <filesystem>
#include <memory>
#include <string>

namespace chistream {

struct TlsFiles {
  std::filesystem::path certificate;  // PEM, the chain from our own on; empty: no TLS
  std::filesystem::path key;          // PEM
  std::filesystem::path client_ca;    // PEM; empty: clients need no certificate

  bool operator==(TlsFiles const&) const = default;
};

/// Days until the first certificate of a PEM file ends, negative afterwards. Throws RequestError
/// INVALID_ARGUMENT TLS_FILES.
double certificate_days(std::filesystem::path const& path);

enum class ClientCertificate { kAsConfigured, kNone };

/// The files as they were when they last made sense.
///
/// gRPC reads certificates again when their files change, and serves nobody while one of them is
/// half written or does not belong to the other. So it is shown copies, in a folder of ours, that
/// follow the operator's files only when those are usable as a set.
///
/// Not thread-safe.
class TlsStage {
 public:
  /// Throws RequestError INVALID_ARGUMENT TLS_FILES when the files are not usable now: a server
  /// that no client can reach is not started.
  TlsStage(TlsFiles files, std::filesystem::path const& folder);

  /// kAsConfigured: with a client CA, a client without a certificate that it signed is not let in.
  std::shared_ptr<grpc::ServerCredentials> credentials(ClientCertificate asked) const;

  /// Takes up new files; to be called every few seconds. What is not usable is told to the log,
  /// once, and changes nothing.
  void refresh();
  double days_left() const;  // negative: expired

 private:
  struct Contents {
    std::string certificate, key, client_ca;
    bool operator==(Contents const&) const = default;
  };
  Contents read() const;  // throws RequestError TLS_FILES
  void copy(Contents const& contents) const;

  TlsFiles const files_;
  TlsFiles const copies_;
  Contents current_;
  std::string last_complaint_;
};

}  // namespace chistream
