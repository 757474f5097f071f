#include "store/status.hpp"

#include <spdlog/spdlog.h>

#include <string>

#include "store/random_id.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

grpc::Status with_detail(RequestError const& error) {
  return {error.code(), error.what(), error.detail().SerializeAsString()};
}

}  // namespace

grpc::Status to_status(std::string_view call, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (RequestError const& error) {
    spdlog::info("{}: {}", call, error.what());
    return with_detail(error);
  } catch (std::exception const& error) {
    std::string const incident = random_id();
    spdlog::error("{}: incident {}: {}", call, incident, error.what());
    return with_detail({grpc::INTERNAL, "INTERNAL_ERROR",
                        "the server failed; incident " + incident + " in its log",
                        "report the incident id to whoever runs the server"});
  }
}

std::string reason_of(grpc::Status const& status) {
  qsm::v1::ErrorDetail detail;
  detail.ParseFromString(status.error_details());
  return detail.reason();
}

}  // namespace chistream
