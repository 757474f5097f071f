#include "daemon/listen_rules.hpp"

#include "channel/loopback.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

void require_address(std::string const& address) {
  if (address.starts_with("unix:")) return;
  std::size_t const colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size())
    throw RequestError(grpc::INVALID_ARGUMENT, "BAD_ADDRESS",
                       "'" + address + "' is neither host:port nor unix:PATH");
}

}  // namespace

void require_protection(DaemonOptions const& options) {
  if (options.tls.certificate.empty() != options.tls.key.empty())
    throw RequestError(grpc::INVALID_ARGUMENT, "TLS_FILES",
                       "--tls-cert and --tls-key come together");
  if (options.tls.certificate.empty() && !options.tls.client_ca.empty())
    throw RequestError(grpc::INVALID_ARGUMENT, "TLS_FILES",
                       "--tls-client-ca needs --tls-cert and --tls-key");
  bool const nodes = !options.worker_listen.empty();
  if (nodes &&
      (options.tls.certificate.empty() || options.worker_name.empty() || options.worker_ca.empty()))
    throw RequestError(grpc::INVALID_ARGUMENT, "TLS_FILES",
                       "--worker-listen needs --tls-cert, --tls-key, --worker-name, --worker-ca");
  require_address(options.listen);
  if (qsm::channel::is_loopback(options.listen)) return;
  std::string missing;
  if (options.tls.certificate.empty()) missing += " --tls-cert and --tls-key,";
  if (options.access_file.empty()) missing += " --access-file,";
  if (options.tls.client_ca.empty() && !options.tokens_suffice)
    missing += " --tls-client-ca (or --tokens-suffice),";
  if (missing.empty()) return;
  missing.pop_back();
  throw RequestError(grpc::INVALID_ARGUMENT, "NOT_LOOPBACK",
                     "'" + options.listen +
                         "' could be reached from other machines, and these are missing:" + missing,
                     "give them, or listen on 127.0.0.1:PORT or unix:PATH");
}

}  // namespace chistream
