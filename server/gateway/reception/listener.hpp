/// Takes connections, and gives each to a process of its own.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/settings.hpp"
#include "process/child_process.hpp"
#include "store/file.hpp"

namespace chistream::gateway {

/// A port, and the subcommand of this program that takes its connections, with its arguments.
struct Port {
  ListenSettings listen;
  std::vector<std::string> command;
};

/// Listens on every port until destroyed. Each connection is the standard input of a process of its
/// own: a hostile one ends itself at most. Beyond `limit` processes further connections wait.
class Listener {
 public:
  /// `told` is called, on a thread of the listener, with each line that a process writes.
  /// Throws std::system_error where a port cannot be had.
  Listener(std::vector<Port> ports, std::size_t limit,
           std::function<void(std::string const&)> told);
  ~Listener();
  Listener(Listener const&) = delete;

  /// "port 11112", "port 2762 (TLS)", in the order of the ports.
  std::vector<std::string> const& addresses() const { return addresses_; }

  std::size_t connections() const { return connections_; }

 private:
  struct Receiver {
    ChildProcess process;
    std::string pending = {};  // of a line
  };

  void loop();
  void accept_from(std::size_t index);
  bool read_from(Receiver& receiver);

  std::vector<Port> ports_;
  std::size_t limit_;
  std::function<void(std::string const&)> told_;
  std::vector<File> sockets_;
  std::vector<std::string> addresses_;
  File stopping_, stop_;                            // a pipe: closing stop_ ends the loop
  std::list<std::unique_ptr<Receiver>> receivers_;  // of the loop's thread
  std::atomic<std::size_t> connections_ = 0;        // as many
  std::thread thread_;
};

}  // namespace chistream::gateway
