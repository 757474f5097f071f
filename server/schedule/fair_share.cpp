#include "schedule/fair_share.hpp"

#include <cmath>
#include <numbers>

namespace chistream {

void FairShare::began(std::string const& job_id, std::string const& tenant, Clock::time_point now) {
  running_[job_id] = {tenant, now};
}

void FairShare::ended(std::string const& job_id, Clock::time_point now) {
  auto const run = running_.find(job_id);
  if (run == running_.end()) return;
  Use& use = ended_[run->second.tenant];
  use = {remembered(use, now) + of_run(run->second, now), now};
  running_.erase(run);
}

double FairShare::used(std::string const& tenant, Clock::time_point now) const {
  // A job that has just begun counts a little, so that two devices that are free at once go to two
  // tenants.
  constexpr double kBeginning = 1e-3;
  auto const use = ended_.find(tenant);
  double seconds = use == ended_.end() ? 0 : remembered(use->second, now);
  for (auto const& [id, run] : running_)
    if (run.tenant == tenant) seconds += kBeginning + of_run(run, now);
  return seconds;
}

double FairShare::remembered(Use const& use, Clock::time_point now) const {
  return use.seconds * std::exp2(-((now - use.at) / half_life_));
}

double FairShare::of_run(Run const& run, Clock::time_point now) const {
  double const lives = (now - run.since) / half_life_;
  return half_life_.count() / std::numbers::ln2 * (1 - std::exp2(-lives));
}

}  // namespace chistream
