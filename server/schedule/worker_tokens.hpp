/// Which worker may speak from another machine: each has a token of its own for as long as its
/// place lasts.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "container/sha256.hpp"

namespace chistream {

/// Thread-safe.
class WorkerTokens {
 public:
  void add(std::string const& worker_id, std::string const& token) {
    std::scoped_lock const lock(mutex_);
    worker_of_[qsm::container::sha256_hex(token)] = worker_id;
  }
  void remove(std::string const& worker_id) {
    std::scoped_lock const lock(mutex_);
    std::erase_if(worker_of_, [&](auto const& entry) { return entry.second == worker_id; });
  }
  std::optional<std::string> worker_of(std::string_view token) const {
    std::scoped_lock const lock(mutex_);
    auto const found = worker_of_.find(qsm::container::sha256_hex(token));
    return found == worker_of_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;                      // guards worker_of_
  std::map<std::string, std::string> worker_of_;  // by SHA-256 of the token
};

}  // namespace chistream
