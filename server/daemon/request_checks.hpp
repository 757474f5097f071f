/// Checks that more than one service makes of what a client sent.
#pragma once

#include <algorithm>
#include <string>

#include "store/request_error.hpp"

namespace chistream {

/// Throws RequestError INVALID_ARGUMENT BAD_REQUEST_ID.
inline void check_request_id(std::string const& id) {
  if (id.empty() || id.size() > 128)
    throw RequestError(
        grpc::INVALID_ARGUMENT, "BAD_REQUEST_ID",
        "a request_id has 1 to 128 characters, this one " + std::to_string(id.size()));
}

/// Throws RequestError INVALID_ARGUMENT BAD_SHA256.
inline void check_sha256(std::string const& digest) {
  bool const digits = std::all_of(digest.begin(), digest.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (!digits || digest.size() != 64)
    throw RequestError(grpc::INVALID_ARGUMENT, "BAD_SHA256",
                       "a SHA-256 is 64 lower-case hex digits");
}

}  // namespace chistream
