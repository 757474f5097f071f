#include "security/tls.hpp"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "store/request_error.hpp"

namespace chistream {
namespace {

constexpr unsigned kLookForNewFiles_s = 2;

[[noreturn]] void unusable(std::filesystem::path const& path, std::string const& what) {
  throw RequestError(grpc::INVALID_ARGUMENT, "TLS_FILES", path.string() + " " + what,
                     "deploy/tls/make.sh makes a set of them for a trial");
}

template <auto Free>
struct Freed {
  template <class Thing>
  void operator()(Thing* thing) const {
    Free(thing);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Bio opened(std::filesystem::path const& path) {
  Bio file(BIO_new_file(path.c_str(), "rb"));
  if (!file) unusable(path, "cannot be read");
  return file;
}

Certificate first_certificate(std::filesystem::path const& path) {
  Certificate certificate(PEM_read_bio_X509(opened(path).get(), nullptr, nullptr, nullptr));
  if (!certificate) unusable(path, "holds no PEM certificate");
  return certificate;
}

}  // namespace

double days_left(std::filesystem::path const& path) {
  Certificate const certificate = first_certificate(path);
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1)
    unusable(path, "has no date that can be read");
  return days + seconds / 86400.0;
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(TlsFiles const& files) {
  using namespace grpc::experimental;
  Key const key(PEM_read_bio_PrivateKey(opened(files.key).get(), nullptr, nullptr, nullptr));
  if (!key) unusable(files.key, "holds no PEM key without a passphrase");
  if (X509_check_private_key(first_certificate(files.certificate).get(), key.get()) != 1)
    unusable(files.key, "does not belong to " + files.certificate.string());
  if (days_left(files.certificate) < 0) unusable(files.certificate, "has expired");
  if (!files.client_ca.empty()) first_certificate(files.client_ca);

  TlsServerCredentialsOptions options(std::make_shared<FileWatcherCertificateProvider>(
      files.key.string(), files.certificate.string(), files.client_ca.string(),
      kLookForNewFiles_s));
  options.watch_identity_key_cert_pairs();
  if (!files.client_ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return TlsServerCredentials(options);
}

}  // namespace chistream
