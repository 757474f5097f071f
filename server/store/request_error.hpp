/// The one exception whose text a caller gets to see: a gRPC code and an ErrorDetail with a stable
/// reason. store/status.cpp turns it into a grpc::Status; everything else that is thrown becomes
/// INTERNAL there, with its text in the log only.
#pragma once

#include <grpcpp/support/status_code_enum.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "qsm/v1/error.pb.h"

namespace chistream {

class RequestError : public std::runtime_error {
 public:
  RequestError(grpc::StatusCode code, qsm::v1::ErrorDetail detail)
      : std::runtime_error(detail.reason() + ": " + detail.message()),
        code_(code),
        detail_(std::move(detail)) {}

  RequestError(grpc::StatusCode code, std::string const& reason, std::string const& message,
               std::string const& hint = "")
      : RequestError(code, make_detail(code, reason, message, hint)) {}

  grpc::StatusCode code() const { return code_; }
  qsm::v1::ErrorDetail const& detail() const { return detail_; }

 private:
  static qsm::v1::ErrorDetail make_detail(grpc::StatusCode code, std::string const& reason,
                                          std::string const& message, std::string const& hint) {
    qsm::v1::ErrorDetail detail;
    detail.set_reason(reason);
    detail.set_message(message);
    detail.set_hint(hint);
    // "Later" is what these two codes mean; every other one says that the request is wrong.
    detail.set_retryable(code == grpc::RESOURCE_EXHAUSTED || code == grpc::UNAVAILABLE);
    return detail;
  }

  grpc::StatusCode code_;
  qsm::v1::ErrorDetail detail_;
};

}  // namespace chistream
