#include "monitoring/http_server.hpp"

#include <httplib.h>

#include <charconv>
#include <thread>

#include "store/request_error.hpp"

namespace chistream {

struct HttpServer::State {
  httplib::Server server;
  int port = 0;
  std::jthread thread;
};

HttpServer::HttpServer(std::string const& address, HttpAnswers answers)
    : state_(std::make_unique<State>()) {
  std::size_t const colon = address.rfind(':');
  int port = -1;
  if (colon != std::string::npos)
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  if (port < 0 || port > 65535)
    throw RequestError(grpc::INVALID_ARGUMENT, "BAD_ADDRESS", "'" + address + "' is not host:port");
  std::string const host = address.substr(0, colon);
  httplib::Server& server = state_->server;
  server.set_read_timeout(5);
  server.set_payload_max_length(1024);
  server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  server.Get("/livez", [](httplib::Request const&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  server.Get("/readyz", [answers](httplib::Request const&, httplib::Response& response) {
    std::string const why = answers.not_ready();
    response.status = why.empty() ? 200 : 503;
    response.set_content(why.empty() ? "ready\n" : why + "\n", "text/plain");
  });
  server.Get("/metrics", [answers](httplib::Request const&, httplib::Response& response) {
    response.set_content(answers.metrics(), "text/plain; version=0.0.4");
  });
  bool const bound =
      port == 0 ? (port = server.bind_to_any_port(host)) > 0 : server.bind_to_port(host, port);
  if (!bound)
    throw RequestError(grpc::FAILED_PRECONDITION, "CANNOT_LISTEN",
                       "cannot listen on " + address + " for metrics; is it in use?");
  state_->port = port;
  state_->thread = std::jthread([this] { state_->server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();
}

HttpServer::~HttpServer() {
  state_->server.stop();
}

int HttpServer::port() const {
  return state_->port;
}

}  // namespace chistream
