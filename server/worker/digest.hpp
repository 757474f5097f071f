/// SHA-256, which names inputs, parameters, artifacts and DICOM objects.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace chistream {

using Sha256Bytes = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256();
  void update(void const* data, std::size_t bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  Sha256Bytes finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Lower-case hex of the digest of `bytes`.
std::string sha256_hex(std::string_view bytes);

std::string to_hex(Sha256Bytes const& digest);

}  // namespace chistream
