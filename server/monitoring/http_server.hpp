/// /livez, /readyz and /metrics over HTTP, for whoever watches the server.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace chistream {

struct HttpAnswers {
  std::function<std::string()> not_ready;  // why; empty: it is ready
  std::function<std::string()> metrics;
};

class HttpServer {
 public:
  /// `address`: host:port, port 0 lets the system choose. Throws RequestError FAILED_PRECONDITION
  /// CANNOT_LISTEN, INVALID_ARGUMENT BAD_ADDRESS.
  HttpServer(std::string const& address, HttpAnswers answers);
  ~HttpServer();

  int port() const;

 private:
  struct State;  // keeps the library's header in one file
  std::unique_ptr<State> state_;
};

}  // namespace chistream
