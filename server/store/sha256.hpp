/// SHA-256 over bytes that come in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace chistream {

/// Lower-case hex.
std::string hex(std::span<unsigned char const> bytes);

class Sha256 {
 public:
  Sha256();

  void update(std::span<std::byte const> bytes);

  /// Digest of what came so far; more may follow.
  std::string hex_digest() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace chistream
