#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "formats/mapped_file.hpp"
#include "load.hpp"
#include "session/stopwatch.hpp"

namespace chistream::load {
namespace {

int checked(int value, char const* what) {
  if (value < 0) throw std::system_error(errno, std::generic_category(), what);
  return value;
}

int listening(sockaddr_in& address) {
  int const socket = checked(::socket(AF_INET, SOCK_STREAM, 0), "socket");
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  checked(::bind(socket, any, sizeof(address)), "bind");
  checked(::listen(socket, 1024), "listen");
  socklen_t size = sizeof(address);
  checked(::getsockname(socket, any, &size), "getsockname");
  return socket;
}

void receive(int connection, fs::path const& file) {
  int const fd = checked(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), "open");
  std::vector<char> piece(1u << 20);
  for (ssize_t n; (n = ::read(connection, piece.data(), piece.size())) > 0;)
    if (::write(fd, piece.data(), static_cast<std::size_t>(n)) != n)
      throw std::system_error(errno, std::generic_category(), "write");
  checked(::fsync(fd), "fsync");
  ::close(fd);
  int const folder = checked(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY), "open");
  checked(::fsync(folder), "fsync");
  ::close(folder);
  if (::write(connection, "!", 1) != 1) throw std::runtime_error("the sender is gone");
  ::close(connection);
}

// In a process of its own, as the daemon is.
[[noreturn]] void receive_all(int socket, std::size_t count, fs::path const& folder) {
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      int const connection = checked(::accept(socket, nullptr, nullptr), "accept");
      threads.emplace_back(receive, connection, folder / std::to_string(i));
    }
  }
  ::_exit(0);
}

void send(fs::path const& path, sockaddr_in const& address) {
  MappedFile const file(path);
  int const connection = checked(::socket(AF_INET, SOCK_STREAM, 0), "socket");
  checked(::connect(connection, reinterpret_cast<sockaddr const*>(&address), sizeof(address)),
          "connect");
  for (auto left = file.bytes(); !left.empty();) {
    ssize_t const n = ::write(connection, left.data(), std::min<std::size_t>(left.size(), 1 << 20));
    if (n <= 0) throw std::system_error(errno, std::generic_category(), "send");
    left = left.subspan(static_cast<std::size_t>(n));
  }
  checked(::shutdown(connection, SHUT_WR), "shutdown");
  char answer = 0;
  if (::read(connection, &answer, 1) != 1) throw std::runtime_error("the receiver is gone");
  ::close(connection);
}

}  // namespace

std::string copy_all(std::vector<fs::path> const& files, fs::path const& folder) {
  fs::create_directories(folder);
  sockaddr_in address{};
  int const socket = listening(address);
  pid_t const receiver = checked(::fork(), "fork");
  if (receiver == 0) receive_all(socket, files.size(), folder);
  std::uint64_t bytes = 0;
  for (auto const& file : files) bytes += fs::file_size(file);
  Stopwatch clock;
  {
    std::vector<std::jthread> senders;
    for (auto const& file : files) senders.emplace_back([&] { send(file, address); });
  }
  double const seconds = clock.lap();
  int status = 0;
  if (::waitpid(receiver, &status, 0) != receiver || status != 0)
    throw std::runtime_error("the receiver failed");
  return nlohmann::json{{"bytes", bytes}, {"seconds", seconds}}.dump();
}

}  // namespace chistream::load
