#include <algorithm>
#include <array>
#include <iostream>

#include "client/commands.hpp"
#include "formats/format_error.hpp"
#include "session/connection.hpp"

namespace chistream {

namespace {

int exit_of(FormatError const& error) {
  constexpr std::array kUsage = {"OPTION_TYPE", "UNKNOWN_OPTION",  "UNKNOWN_PIPELINE",
                                 "NO_INPUT",    "FILE_UNWRITABLE", "OUTPUT_IN_USE"};
  constexpr std::array kServer = {"RESULT_DAMAGED", "SERIES_INCOMPLETE", "BAD_ARTIFACT_NAME"};
  auto const is = [&](char const* reason) { return error.reason() == reason; };
  if (std::any_of(kUsage.begin(), kUsage.end(), is)) return kExitUsage;
  if (std::any_of(kServer.begin(), kServer.end(), is)) return kExitUnreachable;
  return kExitRefused;
}

int exit_of(RpcError const& error) {
  if (error.detail().reason() == "JOB_NOT_SUCCEEDED") return kExitJobFailed;
  switch (error.code()) {
    case grpc::INVALID_ARGUMENT:
    case grpc::NOT_FOUND:
    case grpc::ALREADY_EXISTS:
    case grpc::FAILED_PRECONDITION:
    case grpc::OUT_OF_RANGE:
    case grpc::DATA_LOSS:
    case grpc::ABORTED:
    case grpc::UNAUTHENTICATED:
    case grpc::PERMISSION_DENIED:
      return kExitRefused;
    default:
      return kExitUnreachable;
  }
}

void print(std::string const& reason, std::string const& message, std::string const& hint) {
  std::cerr << reason << ": " << message << '\n';
  if (!hint.empty()) std::cerr << "hint: " << hint << '\n';
}

}  // namespace

int report(std::exception const& error) {
  if (auto const* format = dynamic_cast<FormatError const*>(&error)) {
    print(format->reason(), format->what(), format->hint());
    return exit_of(*format);
  }
  if (auto const* rpc = dynamic_cast<RpcError const*>(&error)) {
    print(rpc->detail().reason(), rpc->detail().message(), rpc->detail().hint());
    return exit_of(*rpc);
  }
  if (auto const* channel = dynamic_cast<qsm::channel::ChannelError const*>(&error)) {
    print(channel->reason(), channel->what(), "");
    return kExitUsage;
  }
  print("CLIENT_FAILED", error.what(), "");
  return kExitUsage;
}

}  // namespace chistream
