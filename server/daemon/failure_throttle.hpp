/// How often a peer was refused lately. Tokens are 256 random bits, so nobody guesses one; what is
/// to be kept small is the log and the audit trail. Credentials that are good are never throttled,
/// else whoever shares an address with a misconfigured console would be shut out by it.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace chistream {

/// Thread-safe.
class FailureThrottle {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr unsigned kMost = 10;  // in kWindow
  static constexpr std::chrono::seconds kWindow{60};

  /// Counts one refusal; false: there were enough in this window already.
  bool count(std::string const& peer, Clock::time_point now = Clock::now());

 private:
  static constexpr std::size_t kMostPeers = 10'000;
  struct Window {
    Clock::time_point since;
    unsigned failures = 0;
  };
  std::mutex mutex_;  // guards peers_
  std::map<std::string, Window> peers_;
};

}  // namespace chistream
