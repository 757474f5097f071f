#include "session/connection.hpp"

#include <algorithm>
#include <thread>

namespace chistream {

namespace {

std::string code_name(grpc::StatusCode code) {
  switch (code) {
    case grpc::CANCELLED:
      return "CANCELLED";
    case grpc::INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case grpc::DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case grpc::NOT_FOUND:
      return "NOT_FOUND";
    case grpc::RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case grpc::UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case grpc::UNAUTHENTICATED:
      return "UNAUTHENTICATED";
    case grpc::UNAVAILABLE:
      return "UNAVAILABLE";
    default:
      return "RPC_FAILED";
  }
}

}  // namespace

RpcError::RpcError(grpc::Status const& status)
    : std::runtime_error(status.error_message()), code_(status.error_code()) {
  bool const told = !status.error_details().empty() &&
                    detail_.ParseFromString(status.error_details()) && !detail_.reason().empty();
  if (told) return;
  detail_.Clear();
  detail_.set_reason(code_name(code_));
  detail_.set_message(status.error_message());
  detail_.set_retryable(no_answer());
  if (no_answer()) detail_.set_hint("is chistreamd running at this address? see --server");
}

void check(grpc::Status const& status) {
  if (!status.ok()) throw RpcError(status);
}

Connection::Connection(std::string const& address, qsm::channel::Credentials const& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // else a proxy is asked for loopback too
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);  // a chunk of an upload in one frame
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 3000);
  auto const channel = qsm::channel::open_channel(address, credentials, arguments);
  uploads = qsm::v1::UploadService::NewStub(channel);
  jobs = qsm::v1::JobService::NewStub(channel);
  results = qsm::v1::ResultService::NewStub(channel);
  admin = qsm::v1::AdminService::NewStub(channel);
}

void with_patience(Patience const& patience,
                   std::function<void(std::function<void()> const&)> const& attempt) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kFirstPause{200};
  constexpr std::chrono::milliseconds kLongestPause{3000};
  auto last_success = Clock::now();
  auto pause = kFirstPause;
  auto const got_on = [&] {
    last_success = Clock::now();
    pause = kFirstPause;
  };
  for (;;) {
    try {
      return attempt(got_on);
    } catch (RpcError const& error) {
      if (!error.no_answer() || Clock::now() + pause > last_success + patience.limit) throw;
      patience.tell("the server does not answer; trying again");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace chistream
