#include "worker/digest.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace chistream {

namespace {

void check(int status) {
  if (status != 1) throw std::runtime_error("OpenSSL refused a SHA-256 operation");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::update(void const* data, std::size_t bytes) {
  check(EVP_DigestUpdate(context_.get(), data, bytes));
}

Sha256Bytes Sha256::finish() {
  Sha256Bytes digest;
  check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  return digest;
}

std::string to_hex(Sha256Bytes const& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (std::uint8_t const byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return to_hex(digest.finish());
}

}  // namespace chistream
