/// The server's side of TLS 1.2 and later.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <filesystem>
#include <memory>

namespace chistream {

struct TlsFiles {
  std::filesystem::path certificate;  // PEM, the chain from our own on; empty: no TLS
  std::filesystem::path key;          // PEM
  std::filesystem::path client_ca;    // PEM; empty: clients need no certificate
};

/// Credentials that read the files again within seconds of a change, so that certificates are
/// rotated without a restart; a file that is no PEM leaves what was there. With `client_ca` a
/// client without a certificate that it signed is not let in. Throws RequestError
/// INVALID_ARGUMENT TLS_FILES when they are not usable now: a server that no client can reach is
/// not started.
std::shared_ptr<grpc::ServerCredentials> server_credentials(TlsFiles const& files);

/// Days until the certificate ends, negative afterwards. Throws RequestError TLS_FILES.
double days_left(std::filesystem::path const& certificate);

}  // namespace chistream
