#include "container/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace qsm::container {

namespace {

void check(int status) {
  if (status != 1) throw std::runtime_error("OpenSSL refused a SHA-256 operation");
}

}  // namespace

std::string hex(std::span<std::uint8_t const> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (std::uint8_t const byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::update(std::span<std::byte const> bytes) {
  check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

Sha256Bytes Sha256::digest() const {
  std::unique_ptr<evp_md_ctx_st, Free> const copy(EVP_MD_CTX_new());
  check(EVP_MD_CTX_copy_ex(copy.get(), context_.get()));
  Sha256Bytes digest;
  check(EVP_DigestFinal_ex(copy.get(), digest.data(), nullptr));
  return digest;
}

std::string Sha256::hex_digest() const {
  return hex(digest());
}

std::string sha256_hex(std::span<std::byte const> bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex_digest();
}

std::string sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}

}  // namespace qsm::container
