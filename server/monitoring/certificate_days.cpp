#include "monitoring/certificate_days.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "store/request_error.hpp"

namespace chistream {

double certificate_days(std::filesystem::path const& path) {
  std::unique_ptr<BIO, int (*)(BIO*)> const file(BIO_new_file(path.c_str(), "rb"), BIO_free);
  std::unique_ptr<X509, void (*)(X509*)> const certificate(
      file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr, X509_free);
  int days = 0, seconds = 0;
  if (!certificate ||
      ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1)
    throw RequestError(grpc::INVALID_ARGUMENT, "TLS_FILES",
                       path.string() + " holds no PEM certificate that can be read");
  return days + seconds / 86400.0;
}

}  // namespace chistream
