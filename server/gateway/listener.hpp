/// Takes connections, and gives each to a process of its own.
#pragma once

#include <filesystem>
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

/// Listens on every port of the settings until destroyed. Each association runs as
/// `chistream-gateway receive` with the connection as its standard input: a hostile one ends itself
/// at most. Beyond Settings::associations further ones wait until one ends.
class Listener {
 public:
  /// `stored` is called, on a thread of the listener, with the folder of each image that came in.
  /// Throws std::system_error where a port cannot be had.
  Listener(Settings const& settings, std::filesystem::path config, std::filesystem::path state,
           std::function<void(std::filesystem::path const&)> stored);
  ~Listener();
  Listener(Listener const&) = delete;

  /// "port 11112", "port 2762 (TLS)", in the order of the settings.
  std::vector<std::string> const& addresses() const { return addresses_; }

 private:
  struct Receiver {
    ChildProcess process;
    std::string pending = {};  // of a line
  };

  void loop();
  void accept_from(std::size_t index);
  bool read_from(Receiver& receiver);

  std::filesystem::path config_;
  std::filesystem::path state_;
  std::function<void(std::filesystem::path const&)> stored_;
  std::size_t limit_;
  std::vector<File> sockets_;
  std::vector<std::string> addresses_;
  File stopping_, stop_;  // a pipe: closing stop_ ends the loop
  std::list<std::unique_ptr<Receiver>> receivers_;  // of the loop's thread
  std::thread thread_;
};

}  // namespace chistream::gateway
