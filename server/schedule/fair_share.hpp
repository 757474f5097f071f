/// How much of the devices every tenant has had lately.
///
/// Device seconds, forgotten with a half-life: u(t) = sum over runs of integral 2^(-(t - s) /
/// half-life) ds, which settles at 1.44 half-lives times the share of one device that a tenant
/// keeps busy. Whoever has the least is next, so a tenant that asks for less than its share never
/// waits for one that asks for more; see tests/server/schedule/simulated_day_test.cpp.
///
/// Forgotten with a restart, like everything that only orders work. Not thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace chistream {

class FairShare {
 public:
  using Clock = std::chrono::steady_clock;

  explicit FairShare(std::chrono::duration<double> half_life) : half_life_(half_life) {}

  void began(std::string const& job_id, std::string const& tenant, Clock::time_point now);
  void ended(std::string const& job_id, Clock::time_point now);  // no effect if it did not begin

  /// Device seconds of a tenant, those of its running jobs included.
  double used(std::string const& tenant, Clock::time_point now) const;

 private:
  struct Use {
    double seconds = 0;
    Clock::time_point at;
  };
  struct Run {
    std::string tenant;
    Clock::time_point since;
  };
  double remembered(Use const& use, Clock::time_point now) const;
  double of_run(Run const& run, Clock::time_point now) const;

  std::chrono::duration<double> half_life_;
  std::map<std::string, Use> ended_;
  std::map<std::string, Run> running_;  // by job
};

}  // namespace chistream
