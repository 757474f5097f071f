#include "daemon/failure_throttle.hpp"

namespace chistream {

bool FailureThrottle::count(std::string const& peer, Clock::time_point now) {
  std::scoped_lock const lock(mutex_);
  if (peers_.size() >= kMostPeers)
    std::erase_if(peers_, [&](auto const& entry) { return now - entry.second.since > kWindow; });
  if (peers_.size() >= kMostPeers && !peers_.contains(peer)) return false;
  Window& window = peers_.try_emplace(peer, Window{now}).first->second;
  if (now - window.since > kWindow) window = {now};
  return ++window.failures <= kMost;
}

}  // namespace chistream
