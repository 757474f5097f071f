#include "schedule/job_order.hpp"

#include <gtest/gtest.h>

#include <random>

namespace chistream::test {
namespace {

using namespace qsm::v1;
using namespace std::chrono_literals;
using Clock = FairShare::Clock;

class JobOrderTest : public ::testing::Test {
 protected:
  void queue(std::string const& id, Priority priority = PRIORITY_ROUTINE,
             std::string const& tenant = "a") {
    waiting_.push_back({.job_id = id,
                        .tenant = tenant,
                        .priority = priority,
                        .rank = waiting_.size() + 1,
                        .since = now_});
  }
  std::string next() {
    WaitingJob const* const job = order_.next(waiting_, share_, now_);
    return job ? job->job_id : "";
  }
  std::string start() {
    std::string const id = next();
    for (auto job = waiting_.begin(); job != waiting_.end(); ++job) {
      if (job->job_id != id) continue;
      order_.started(job->priority);
      waiting_.erase(job);
      break;
    }
    return id;
  }
  void ran(std::string const& tenant, std::chrono::seconds time) {
    share_.began("job", tenant, now_ - time);
    share_.ended("job", now_);
  }

  SchedulePolicy policy_;
  JobOrder order_{policy_};
  FairShare share_{policy_.share_half_life};
  std::vector<WaitingJob> waiting_;
  Clock::time_point now_{24h};
};

TEST_F(JobOrderTest, HigherClassFirstThenTheOldest) {
  EXPECT_EQ(next(), "");
  queue("batch", PRIORITY_BATCH);
  queue("first");
  queue("second");
  queue("urgent", PRIORITY_URGENT);
  queue("emergency", PRIORITY_EMERGENCY);

  for (char const* id : {"emergency", "urgent", "first", "second", "batch", ""})
    EXPECT_EQ(start(), id);
}

TEST_F(JobOrderTest, WithinAClassWhoHadLeastIsNext) {
  queue("of a");
  queue("of b", PRIORITY_ROUTINE, "b");
  queue("of c", PRIORITY_ROUTINE, "c");
  ran("a", 100s);
  ran("b", 50s);

  EXPECT_EQ(next(), "of c");
  share_.began("running", "c", now_ - 70s);
  EXPECT_EQ(next(), "of b") << "what runs counts too";
}

TEST_F(JobOrderTest, UseIsForgotten) {
  ran("a", 1000s);
  double const before = share_.used("a", now_);
  EXPECT_NEAR(before, 1000, 100) << "some of it was forgotten while it ran";

  EXPECT_NEAR(share_.used("a", now_ + policy_.share_half_life), before / 2, 1e-6);
  EXPECT_EQ(share_.used("nobody", now_), 0);
}

TEST_F(JobOrderTest, WaitingLongCountsAsOneClassHigher) {
  queue("old batch", PRIORITY_BATCH);
  queue("old routine");
  now_ += policy_.aging;
  queue("routine");
  queue("urgent", PRIORITY_URGENT);

  for (char const* id : {"old routine", "urgent", "old batch", "routine"}) EXPECT_EQ(start(), id);
}

TEST_F(JobOrderTest, AFloodDoesNotAgeAsAWhole) {
  for (int i = 0; i < 100; ++i) queue("flood " + std::to_string(i));
  ran("a", 1000s);
  now_ += 2 * policy_.aging;
  queue("of b", PRIORITY_ROUTINE, "b");

  EXPECT_EQ(next(), "of b");
}

TEST_F(JobOrderTest, EveryThirdStartIsForThoseBelowUrgent) {
  for (int i = 0; i < 5; ++i) queue("urgent", PRIORITY_URGENT);
  queue("routine");
  queue("batch", PRIORITY_BATCH);

  for (char const* id : {"urgent", "urgent", "routine", "urgent", "urgent", "batch", "urgent"})
    EXPECT_EQ(start(), id);
}

TEST_F(JobOrderTest, AnEmergencyIsNotHeldUpByTheTurnOfOthers) {
  queue("urgent", PRIORITY_URGENT);
  queue("urgent", PRIORITY_URGENT);
  queue("routine");
  start();
  start();
  queue("emergency", PRIORITY_EMERGENCY);

  EXPECT_EQ(start(), "emergency");
  EXPECT_EQ(start(), "routine");
}

}  // namespace
}  // namespace chistream::test
