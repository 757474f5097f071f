// A day of a department's two devices, hour by hour, with 10 000 jobs and no clock but the
// simulation's: nobody waits longer than its share of the devices allows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>

#include "schedule/job_order.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;
using Clock = FairShare::Clock;
using Seconds = std::chrono::duration<double>;

struct Arrival {
  double at_s, runs_s;
  std::string tenant;
  Priority priority;
};

struct Waits {
  std::size_t jobs = 0;
  double longest_s = 0, sum_s = 0;
};

constexpr double kDay = 86400, kShortest = 5, kLongest = 25;  // s
constexpr int kDevices = 2;

/// A flood in the night, two tenants that ask for a sixth of a device each all day, one that sends
/// urgent jobs faster than they can be done for an hour, and now and then an emergency.
std::vector<Arrival> arrivals() {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> length(kShortest, kLongest), day(0, kDay),
      noon(43200, 46800);
  std::vector<Arrival> all;
  for (int i = 0; i < 7200; ++i) all.push_back({0, length(random), "flood", PRIORITY_ROUTINE});
  for (int i = 0; i < 1000; ++i) {
    all.push_back({day(random), length(random), "clinic", PRIORITY_ROUTINE});
    all.push_back({day(random), length(random), "ward", PRIORITY_ROUTINE});
  }
  for (int i = 0; i < 750; ++i)
    all.push_back({noon(random), length(random), "rush", PRIORITY_URGENT});
  for (int i = 0; i < 50; ++i)
    all.push_back({day(random), length(random), "night", PRIORITY_EMERGENCY});
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.at_s < b.at_s; });
  return all;
}

Clock::time_point at(double s) {
  return Clock::time_point{} + std::chrono::duration_cast<Clock::duration>(Seconds(s));
}

std::map<std::string, Waits> simulate(std::vector<Arrival> const& jobs) {
  SchedulePolicy const policy;
  JobOrder order(policy);
  FairShare share(policy.share_half_life);
  std::vector<WaitingJob> waiting;
  std::map<double, std::string> running;  // by when they end
  std::map<std::string, Waits> waits;
  std::size_t arrived = 0;
  double now = 0;
  while (arrived < jobs.size() || !waiting.empty() || !running.empty()) {
    double const next_arrival = arrived < jobs.size() ? jobs[arrived].at_s : 1e300;
    double const next_end = running.empty() ? 1e300 : running.begin()->first;
    now = std::min(next_arrival, next_end);
    if (next_end <= next_arrival) {
      share.ended(running.begin()->second, at(now));
      running.erase(running.begin());
    } else {
      Arrival const& job = jobs[arrived];
      waiting.push_back({std::to_string(arrived), job.tenant, job.priority, ++arrived, at(now)});
    }
    while (running.size() < kDevices) {
      WaitingJob const* const next = order.next(waiting, share, at(now));
      if (!next) break;
      Arrival const& job = jobs[next->rank - 1];
      Waits& of_tenant = waits[job.tenant];
      ++of_tenant.jobs;
      of_tenant.sum_s += now - job.at_s;
      of_tenant.longest_s = std::max(of_tenant.longest_s, now - job.at_s);
      order.started(next->priority);
      share.began(next->job_id, next->tenant, at(now));
      running.emplace(now + job.runs_s, next->job_id);
      waiting.erase(waiting.begin() + (next - waiting.data()));
    }
  }
  return waits;
}

TEST(SimulatedDay, NobodyWaitsLongerThanItsShareAllows) {
  auto const jobs = arrivals();
  ASSERT_EQ(jobs.size(), 10'000u);

  auto const waits = simulate(jobs);

  for (auto const& [tenant, w] : waits)
    std::printf("%-8s %5zu jobs, waited %7.1f s on average, %8.1f s at most\n", tenant.c_str(),
                w.jobs, w.sum_s / static_cast<double>(w.jobs), w.longest_s);
  // An emergency waits for one of two running jobs to end, and for emergencies before it.
  EXPECT_LE(waits.at("night").longest_s, 2 * kLongest);
  // Who asks for less than its share waits for the jobs that run, for those of the other such
  // tenants, and, in the hour of the rush, for its turn, which comes after every two urgent ones.
  EXPECT_LE(waits.at("clinic").longest_s, 8 * kLongest);
  EXPECT_LE(waits.at("ward").longest_s, 8 * kLongest);
  // Who asks for more gets what the others leave: all of it is done when the sum of all work is.
  double work = 0;
  for (Arrival const& job : jobs) work += job.runs_s;
  EXPECT_LE(waits.at("flood").longest_s, work / kDevices + kLongest);
  EXPECT_EQ(waits.at("flood").jobs, 7200u);
}

}  // namespace
}  // namespace chistream::test
