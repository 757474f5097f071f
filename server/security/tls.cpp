#include "security/tls.hpp"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>
#include <string>

#include "store/file.hpp"
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

double certificate_days(std::filesystem::path const& path) {
  Certificate const certificate = first_certificate(path);
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1)
    unusable(path, "has no date that can be read");
  return days + seconds / 86400.0;
}

TlsStage::TlsStage(TlsFiles files, std::filesystem::path const& folder)
    : files_(std::move(files)),
      copies_{.certificate = folder / "certificate.pem",
              .key = folder / "key.pem",
              .client_ca = files_.client_ca.empty() ? "" : folder / "client-ca.pem"},
      current_(read()) {
  std::filesystem::create_directories(folder);
  copy(current_);
}

TlsStage::Contents TlsStage::read() const {
  Key const key(PEM_read_bio_PrivateKey(opened(files_.key).get(), nullptr, nullptr, nullptr));
  if (!key) unusable(files_.key, "holds no PEM key without a passphrase");
  if (X509_check_private_key(first_certificate(files_.certificate).get(), key.get()) != 1)
    unusable(files_.key, "does not belong to " + files_.certificate.string());
  if (certificate_days(files_.certificate) < 0) unusable(files_.certificate, "has expired");
  if (!files_.client_ca.empty()) first_certificate(files_.client_ca);
  auto const content = [](std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  return {.certificate = content(files_.certificate),
          .key = content(files_.key),
          .client_ca = files_.client_ca.empty() ? "" : content(files_.client_ca)};
}

void TlsStage::copy(Contents const& contents) const {
  replace_file(copies_.key, contents.key);
  replace_file(copies_.certificate, contents.certificate);
  if (!copies_.client_ca.empty()) replace_file(copies_.client_ca, contents.client_ca);
}

void TlsStage::refresh() {
  try {
    Contents const now = read();
    if (now == current_) return;
    copy(now);
    current_ = now;
    last_complaint_.clear();
    spdlog::info("TLS: new certificate, good for {:.0f} days", days_left());
  } catch (std::exception const& error) {
    if (last_complaint_ == error.what()) return;
    last_complaint_ = error.what();
    spdlog::error("TLS: the certificate in use stays, {}", error.what());
  }
}

double TlsStage::days_left() const {
  return certificate_days(copies_.certificate);
}

std::shared_ptr<grpc::ServerCredentials> TlsStage::credentials(ClientCertificate asked) const {
  using namespace grpc::experimental;
  TlsServerCredentialsOptions options(std::make_shared<FileWatcherCertificateProvider>(
      copies_.key.string(), copies_.certificate.string(), copies_.client_ca.string(),
      kLookForNewFiles_s));
  options.watch_identity_key_cert_pairs();
  if (!copies_.client_ca.empty() && asked == ClientCertificate::kAsConfigured) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return TlsServerCredentials(options);
}

}  // namespace chistream
