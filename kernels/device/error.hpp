/// The failures a caller of the kernels tells apart.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace qsm {

enum class ErrorCode { kInvalidArgument, kOutOfMemory, kDeviceFailure, kCancelled, kNotConverged };

/// `reason` is stable and machine-readable (UPPER_SNAKE_CASE, "EMPTY_MASK"); what() is one sentence
/// with the numbers that matter and never patient data.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string reason, std::string const& message)
      : std::runtime_error(message), code_(code), reason_(std::move(reason)) {}
  ErrorCode code() const { return code_; }
  std::string const& reason() const { return reason_; }

 private:
  ErrorCode code_;
  std::string reason_;
};

/// Throws Error{kInvalidArgument, reason} unless `ok`.
inline void require(bool ok, char const* reason, std::string const& message) {
  if (!ok) throw Error(ErrorCode::kInvalidArgument, reason, message);
}

}  // namespace qsm
