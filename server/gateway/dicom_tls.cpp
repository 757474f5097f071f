#include "gateway/dicom_tls.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmtls/tlslayer.h>
#include <openssl/x509.h>

#include <vector>

#include "formats/format_error.hpp"

namespace chistream::gateway {

namespace {

void check(OFCondition const& status, std::filesystem::path const& file) {
  if (status.bad())
    throw FormatError("TLS_FILES", file.string() + " does not serve: " + status.text());
}

}  // namespace

std::unique_ptr<DcmTransportLayer> make_tls(TlsFiles const& files, T_ASC_NetworkRole role) {
  auto layer = std::make_unique<DcmTLSTransportLayer>(role, nullptr, OFTrue);
  check(layer->setPrivateKeyFile(files.key.c_str(), DCF_Filetype_PEM), files.key);
  check(layer->setCertificateFile(files.certificate.c_str(), DCF_Filetype_PEM), files.certificate);
  if (!layer->checkPrivateKeyMatchesCertificate())
    throw FormatError("TLS_FILES",
                      files.key.string() + " is not the key of " + files.certificate.string());
  check(layer->addTrustedCertificateFile(files.ca.c_str(), DCF_Filetype_PEM), files.ca);
  check(layer->setTLSProfile(TSP_Profile_BCP195_ND), files.certificate);
  check(layer->activateCipherSuites(), files.certificate);
  layer->setCertificateVerification(DCV_requireCertificate);
  return layer;
}

std::string peer_certificate(T_ASC_Association* association) {
  unsigned long const size = ASC_getPeerCertificateLength(association);
  if (size == 0) return "";
  std::vector<unsigned char> der(size);
  ASC_getPeerCertificate(association, der.data(), size);
  unsigned char const* begin = der.data();
  std::unique_ptr<X509, void (*)(X509*)> const certificate(
      d2i_X509(nullptr, &begin, static_cast<long>(size)), X509_free);
  char name[256] = "";
  if (!certificate || X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()),
                                                NID_commonName, name, sizeof(name)) < 0)
    return "";
  return name;
}

}  // namespace chistream::gateway
