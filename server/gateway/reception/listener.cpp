#include "gateway/reception/listener.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace chistream::gateway {

namespace {

File listen_on(ListenSettings const& settings) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_family = settings.address.empty() ? AF_INET : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::string const port = std::to_string(settings.port);
  char const* const host = settings.address.empty() ? nullptr : settings.address.c_str();
  if (int const error = ::getaddrinfo(host, port.c_str(), &hints, &found); error != 0)
    throw std::runtime_error(settings.address + ": " + ::gai_strerror(error));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> const owner(found, ::freeaddrinfo);
  File socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int const yes = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (!socket || ::bind(socket.fd(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(socket.fd(), 64) != 0)
    throw_errno("port " + port);
  return socket;
}

}  // namespace

Listener::Listener(std::vector<Port> ports, std::size_t limit,
                   std::function<void(std::string const&)> told)
    : ports_(std::move(ports)), limit_(limit), told_(std::move(told)) {
  for (auto const& port : ports_) {
    sockets_.push_back(listen_on(port.listen));
    addresses_.push_back("port " + std::to_string(port.listen.port) +
                         (port.listen.tls ? " (TLS)" : ""));
  }
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe");
  stopping_ = File(ends[0]);
  stop_ = File(ends[1]);
  thread_ = std::thread([this] { loop(); });
}

Listener::~Listener() {
  stop_.close();
  thread_.join();
}

void Listener::loop() {
  for (;;) {
    std::vector<pollfd> watched{{.fd = stopping_.fd(), .events = POLLIN, .revents = 0}};
    bool const room = receivers_.size() < limit_;
    for (auto const& socket : sockets_)
      watched.push_back({.fd = room ? socket.fd() : -1, .events = POLLIN, .revents = 0});
    std::size_t const first = watched.size();
    for (auto const& receiver : receivers_)
      watched.push_back({.fd = receiver->process.output_fd(), .events = POLLIN, .revents = 0});
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) break;
    std::size_t at = first;
    std::erase_if(receivers_, [&](auto const& receiver) {
      return watched[at++].revents != 0 && !read_from(*receiver);
    });
    for (std::size_t i = 0; i < sockets_.size(); ++i)
      if (watched[1 + i].revents != 0) accept_from(i);
    connections_ = receivers_.size();
  }
  // What receivers had not answered yet, their senders send again.
  receivers_.clear();
}

void Listener::accept_from(std::size_t index) try {
  File const connection(::accept4(sockets_[index].fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) return;
  std::vector<std::string> words{"/proc/self/exe"};
  auto const& command = ports_[index].command;
  words.insert(words.end(), command.begin(), command.end());
  receivers_.push_back(std::unique_ptr<Receiver>(
      new Receiver{.process = ChildProcess(words, Capture::kOutput, connection)}));
} catch (std::exception const& error) {
  spdlog::error("a connection was dropped: {}", error.what());
}

/// False: the receiver has ended.
bool Listener::read_from(Receiver& receiver) {
  bool const open = receiver.process.read(receiver.pending, std::chrono::milliseconds(0));
  for (std::size_t end; (end = receiver.pending.find('\n')) != std::string::npos;) {
    std::string const line = receiver.pending.substr(0, end);
    receiver.pending.erase(0, end + 1);
    told_(line);
  }
  if (open) return true;
  // Its output is closed; it ends within a moment, or is killed as the object goes.
  for (int i = 0; i < 100 && !receiver.process.ended(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (auto const end = receiver.process.ended(); end && end->exit_code < 0)
    spdlog::error("a receiver was ended by {}; the gateway goes on", end->text);
  return false;
}

}  // namespace chistream::gateway
