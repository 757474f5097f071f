/// How a client shows who it is, and makes sure of the server.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <filesystem>
#include <memory>
#include <string>

namespace chistream {

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

}  // namespace chistream
