/// The one place where a failure becomes a grpc::Status.
#pragma once

#include <grpcpp/support/status.h>

#include <exception>
#include <string>
#include <string_view>

namespace chistream {

/// A RequestError keeps its code and carries its ErrorDetail, serialised, as error_details.
/// Anything else is INTERNAL INTERNAL_ERROR with an incident id; its text goes to the log under
/// that id.
grpc::Status to_status(std::string_view call, std::exception_ptr failure);

/// Of the ErrorDetail that a status carries; empty where it carries none.
std::string reason_of(grpc::Status const& status);

/// Runs the body of a worker's handler (those of clients come through the Gate): `return
/// answer("Claim", [&] { ... });`
template <class Body>
grpc::Status answer(std::string_view call, Body&& body) {
  try {
    body();
    return grpc::Status::OK;
  } catch (...) {
    return to_status(call, std::current_exception());
  }
}

}  // namespace chistream
