/// How a client, or a worker on another machine, shows who it is, and makes sure of the server.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace qsm::channel {

/// What is wrong with the files or flags of a channel. `reason` is stable (UPPER_SNAKE_CASE).
class ChannelError : public std::runtime_error {
 public:
  ChannelError(std::string reason, std::string const& message)
      : std::runtime_error(message), reason_(std::move(reason)) {}
  std::string const& reason() const { return reason_; }

 private:
  std::string reason_;
};

struct Credentials {
  std::filesystem::path token_file;   // its first line; empty: no token
  std::filesystem::path server_ca;    // PEM; empty: no TLS
  std::filesystem::path certificate;  // PEM, with the key: what the client shows the server
  std::filesystem::path key;
};

/// A channel whose every call carries the token and a trace id (W3C traceparent). Throws
/// FormatError FILE_UNREADABLE, BAD_TOKEN_FILE, TOKEN_NEEDS_TLS (a token goes to no other machine
/// unencrypted), TLS_FILES.
std::shared_ptr<grpc::Channel> open_channel(std::string const& address,
                                            Credentials const& credentials,
                                            grpc::ChannelArguments const& arguments);

}  // namespace qsm::channel
