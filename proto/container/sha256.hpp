/// SHA-256 over bytes that come in pieces: the digest of containers, artifacts and identifiers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace qsm::container {

using Sha256Bytes = std::array<std::uint8_t, 32>;

/// Lower-case hex.
std::string hex(std::span<std::uint8_t const> bytes);

class Sha256 {
 public:
  Sha256();

  void update(std::span<std::byte const> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }

  /// Digest of what came so far; more may follow.
  Sha256Bytes digest() const;
  std::string hex_digest() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Lower-case hex of the digest of `bytes`.
std::string sha256_hex(std::span<std::byte const> bytes);
std::string sha256_hex(std::string_view text);

}  // namespace qsm::container
