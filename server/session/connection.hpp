/// The server's services, and what a failed call means to a user.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "channel/channel.hpp"
#include "qsm/v1/admin.grpc.pb.h"
#include "qsm/v1/error.pb.h"
#include "qsm/v1/job.grpc.pb.h"
#include "qsm/v1/result.grpc.pb.h"
#include "qsm/v1/upload.grpc.pb.h"

namespace chistream {

/// A call that failed. `detail` comes from the server, or is made up from the status where the
/// server did not answer (reason UNAVAILABLE and so on).
class RpcError : public std::runtime_error {
 public:
  explicit RpcError(grpc::Status const& status);
  grpc::StatusCode code() const { return code_; }
  qsm::v1::ErrorDetail const& detail() const { return detail_; }

  /// No answer, as opposed to a refusal: the same call may succeed in a moment.
  bool no_answer() const { return code_ == grpc::UNAVAILABLE || code_ == grpc::DEADLINE_EXCEEDED; }

 private:
  grpc::StatusCode code_;
  qsm::v1::ErrorDetail detail_;
};

/// Throws RpcError unless `status` is OK.
void check(grpc::Status const& status);

/// Stubs on one channel to "host:port" or "unix:PATH". Connects when first used, and again by
/// itself.
struct Connection {
  explicit Connection(std::string const& address,
                      qsm::channel::Credentials const& credentials = {});

  std::unique_ptr<qsm::v1::UploadService::Stub> uploads;
  std::unique_ptr<qsm::v1::JobService::Stub> jobs;
  std::unique_ptr<qsm::v1::ResultService::Stub> results;
  std::unique_ptr<qsm::v1::AdminService::Stub> admin;
};

/// How long to go on trying, counted from the last time anything went well.
struct Patience {
  std::chrono::seconds limit{60};
  std::function<void(std::string const&)> tell = [](std::string const&) {};  // "waiting for ..."
};

/// For the first call: a server that is not there is told at once.
inline Patience no_patience() {
  return {.limit = std::chrono::seconds(0)};
}

/// Repeats `attempt` while it throws RpcErrors without an answer, pausing 0.2 s and up to 3 s,
/// until `patience` ends. `attempt` returns when done, and calls its argument whenever it gets on.
void with_patience(Patience const& patience,
                   std::function<void(std::function<void()> const& got_on)> const& attempt);

/// A unary call: call_with_patience(p, [&](context, response) { return stub.Get(...); }).
template <class Response>
Response call_with_patience(
    Patience const& patience,
    std::function<grpc::Status(grpc::ClientContext*, Response*)> const& call) {
  Response response;
  with_patience(patience, [&](auto const&) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    check(call(&context, &response));
  });
  return response;
}

}  // namespace chistream
