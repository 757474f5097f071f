// Workers that hang, die, come back, or are taken away, and what that means for their jobs.
#include "server/schedule/job_queue_fixture.hpp"

namespace chistream::test {
namespace {

class LostWorkerTest : public JobQueueTest {};

TEST_F(LostWorkerTest, AWorkerWithoutProgressIsGivenUpAndItsJobFails) {
  queue_.emplace(journal_, spool_, SchedulePolicy{.stage_deadline = std::chrono::seconds(60)},
                 [this] { return now_; });
  std::string const id = submit("1");
  TaskClaim const task = claim("w");
  queue_->heartbeat_opened(task);
  TaskReport report;
  *report.mutable_claim() = task;
  report.mutable_progress()->set_stage("inversion");
  for (std::uint32_t iteration = 1; iteration <= 3; ++iteration) {
    now_ += std::chrono::seconds(50);
    report.mutable_progress()->set_iteration(iteration);
    queue_->report(report);
    queue_->tick();
    EXPECT_EQ(queue_->job(id).state(), JOB_STATE_RUNNING);
  }
  now_ += std::chrono::seconds(61);
  queue_->report(report);  // it lives, and gets nowhere
  queue_->tick();

  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_FAILED);
  EXPECT_EQ(queue_->job(id).error().reason(), "STAGE_TIMEOUT");
  EXPECT_EQ(queue_->job(id).error().stage(), "inversion");
  EXPECT_TRUE(queue_->must_be_killed("w", std::chrono::hours(1)));
  EXPECT_EQ(refusal([&] { claim("w"); }), "WORKER_RETIRED");
}

TEST_F(LostWorkerTest, AWorkerOfTheSameNameTakesNothingFromTheJobOfTheFormer) {
  std::string const id = submit("1");
  TaskClaim const former = claim("w");

  TaskClaim const latter = claim("w");

  EXPECT_EQ(latter.job_id(), id);
  EXPECT_EQ(refusal([&] { queue_->check_claim(former); }), "STALE_CLAIM");
  EXPECT_EQ(queue_->job(id).error().reason(), "WORKER_TAKEN_AWAY");
  EXPECT_EQ(journal_.job(id).crashes, 0u);
}

TEST_F(LostWorkerTest, AProcessHoldsTheDataOfOneTenantOnly) {
  auto const submit_for = [&](std::string const& tenant) {
    SubmitJobRequest request;
    request.set_request_id("1");
    JobSpec spec;
    spec.set_upload_id(upload_id_);
    return queue_->submit({request, tenant}, spec).job_id();
  };
  submit_for("one");
  queue_->finish(finished(claim("w"), FinishRequest::OUTCOME_SUCCEEDED));
  std::string const other = submit_for("other");
  ClaimRequest request;
  request.set_worker_id("w");
  ClaimResponse const answer = queue_->claim(request, [] { return false; });

  EXPECT_TRUE(answer.end());
  EXPECT_FALSE(answer.has_claim());
  EXPECT_FALSE(queue_->must_be_killed("w", std::chrono::seconds(1))) << "it ends by itself";
  EXPECT_EQ(claim("a new process").job_id(), other);
}

TEST_F(LostWorkerTest, WhatSlurmTookAwayIsNoCrash) {
  std::string const id = submit("1");
  for (int i = 0; i < 5; ++i) {
    std::string const worker = std::to_string(i);
    claim(worker);
    queue_->retire_worker(worker, "the Slurm state NODE_FAIL", Loss::kTakenAway);
  }
  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_QUEUED);
  EXPECT_EQ(queue_->job(id).attempt(), 5u);
}

TEST_F(LostWorkerTest, AWorkerThatHadToBeKilledToMakeRoomIsNoCrash) {
  std::string const id = submit("1");
  TaskClaim const task = claim("w");
  submit("2", PRIORITY_EMERGENCY);
  EXPECT_FALSE(queue_->must_be_killed("w", std::chrono::seconds(10)));
  now_ += std::chrono::seconds(11);
  EXPECT_TRUE(queue_->must_be_killed("w", std::chrono::seconds(10)));

  queue_->retire_worker("w", "signal 9");

  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_QUEUED);
  EXPECT_EQ(queue_->job(id).error().reason(), "PREEMPTED");
}

}  // namespace
}  // namespace chistream::test
