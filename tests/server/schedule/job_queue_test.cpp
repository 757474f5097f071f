#include "server/schedule/job_queue_fixture.hpp"

namespace chistream::test {
namespace {

TEST_F(JobQueueTest, GivesOutJobsInTheOrderOfSubmission) {
  std::string const first = submit("1");
  std::string const second = submit("2");

  EXPECT_EQ(claim("w1").job_id(), first);
  EXPECT_EQ(claim("w2").job_id(), second);
  EXPECT_EQ(claim("w3").job_id(), "") << "no work";
}

TEST_F(JobQueueTest, StaleClaimsAreRefusedEverywhere) {
  std::string const id = submit("1");
  TaskClaim const old = claim("a");
  queue_->retire_worker("a", "signal 9");
  TaskClaim const current = claim("b");
  ASSERT_EQ(current.job_id(), id);
  ASSERT_EQ(current.attempt(), 2u);
  TaskReport report;
  *report.mutable_claim() = old;

  EXPECT_EQ(refusal([&] { queue_->report(report); }), "STALE_CLAIM");
  EXPECT_EQ(refusal([&] { queue_->heartbeat_opened(old); }), "STALE_CLAIM");
  EXPECT_EQ(refusal([&] { queue_->check_claim(old); }), "STALE_CLAIM");
  EXPECT_EQ(refusal([&] { queue_->add_artifact(old, {}); }), "STALE_CLAIM");
  EXPECT_EQ(refusal([&] { queue_->finish(finished(old, FinishRequest::OUTCOME_SUCCEEDED)); }),
            "STALE_CLAIM");
  queue_->heartbeat_closed(old);
  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_RUNNING) << "the current claim is untouched";

  TaskClaim forged = current;
  forged.set_attempt(1);
  EXPECT_EQ(refusal([&] { queue_->check_claim(forged); }), "STALE_CLAIM");
  queue_->finish(finished(current, FinishRequest::OUTCOME_SUCCEEDED));
  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_SUCCEEDED);
  EXPECT_EQ(refusal([&] { queue_->check_claim(current); }), "STALE_CLAIM");
}

TEST_F(JobQueueTest, RetiredWorkerGetsNothing) {
  submit("1");
  queue_->retire_worker("w", "signal 9");

  EXPECT_EQ(refusal([&] { claim("w"); }), "WORKER_RETIRED");
  EXPECT_EQ(claim("x").epoch(), 1u);
}

TEST_F(JobQueueTest, AbandonedCallGetsNoJob) {
  submit("1");
  ClaimRequest request;
  request.set_worker_id("w");

  EXPECT_FALSE(queue_->claim(request, [] { return true; }).has_claim());
  EXPECT_EQ(claim("w").epoch(), 1u);
}

TEST_F(JobQueueTest, FinishNeedsEveryArtifact) {
  std::string const id = submit("1");
  TaskClaim const task = claim("w");
  Artifact artifact;
  artifact.set_name("a");
  spool_.create_artifact(id, task.epoch(), "a");
  queue_->add_artifact(task, artifact);
  FinishRequest request = finished(task, FinishRequest::OUTCOME_SUCCEEDED);

  EXPECT_EQ(refusal([&] { queue_->finish(request); }), "ARTIFACT_COUNT_MISMATCH");
  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_RUNNING);
  request.set_artifacts(1);
  queue_->finish(request);

  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_SUCCEEDED);
  EXPECT_EQ(journal_.artifacts(id).size(), 1u);
  EXPECT_NO_THROW(spool_.open_result(id, "a"));
}

TEST_F(JobQueueTest, RestartQueuesRunningJobsAndCancelsCancelledOnes) {
  std::string const running = submit("1");
  std::string const cancelling = submit("2");
  std::string const queued = submit("3");
  TaskClaim const old = claim("a");
  claim("b");
  queue_->cancel(cancelling);

  restart();

  EXPECT_EQ(queue_->job(running).state(), JOB_STATE_QUEUED);
  EXPECT_EQ(queue_->job(running).error().reason(), "SERVER_RESTARTED");
  EXPECT_EQ(queue_->job(cancelling).state(), JOB_STATE_CANCELLED);
  EXPECT_EQ(queue_->job(queued).state(), JOB_STATE_QUEUED);
  EXPECT_EQ(refusal([&] { queue_->check_claim(old); }), "STALE_CLAIM");
  TaskClaim const next = claim("c");
  EXPECT_EQ(next.job_id(), running) << "its place in the queue is kept";
  EXPECT_EQ(next.attempt(), 2u);
  EXPECT_GT(next.epoch(), old.epoch());
}

TEST_F(JobQueueTest, OnlyCrashesCountTowardsTheLimit) {
  std::string const id = submit("1");
  for (int restarts = 0; restarts < 3; ++restarts) {
    claim("w");
    restart();
  }

  claim("a");
  queue_->retire_worker("a", "signal 11");
  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_QUEUED);
  claim("b");
  queue_->retire_worker("b", "signal 11");

  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_FAILED);
  EXPECT_EQ(queue_->job(id).error().reason(), "WORKER_CRASH");
  EXPECT_EQ(queue_->job(id).attempt(), 5u);
}

TEST_F(JobQueueTest, StoppingDoesNotCountAgainstTheJob) {
  std::string const id = submit("1");
  claim("a");
  queue_->retire_worker("a", "signal 11");
  claim("b");

  queue_->stop();
  queue_->retire_worker("b", "signal 15");

  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_QUEUED);
}

TEST_F(JobQueueTest, SuccessBeatsALateCancel) {
  std::string const id = submit("1");
  TaskClaim const task = claim("w");
  EXPECT_EQ(queue_->cancel(id).state(), JOB_STATE_CANCELLING);

  queue_->finish(finished(task, FinishRequest::OUTCOME_SUCCEEDED));

  EXPECT_EQ(queue_->cancel(id).state(), JOB_STATE_SUCCEEDED) << "terminal states never change";
}

TEST_F(JobQueueTest, ProgressIsSeenWhileRunningAndCounted) {
  std::string const id = submit("1");
  TaskReport report;
  *report.mutable_claim() = claim("w");
  report.mutable_progress()->set_stage("inversion");
  auto const before = queue_->snapshot(id);

  queue_->report(report);

  auto const now = JobQueue::Clock::now();
  EXPECT_EQ(queue_->wait(before, now, now).job.progress().stage(), "inversion");
  EXPECT_EQ(queue_->counts().running, 1u);
  EXPECT_EQ(queue_->counts().queued, 0u);
  EXPECT_EQ(queue_->job_of("w"), id);
}

TEST_F(JobQueueTest, GivesOutTheHighestClassFirst) {
  std::string const batch = submit("1", PRIORITY_BATCH);
  std::string const routine = submit("2");
  std::string const urgent = submit("3", PRIORITY_URGENT);

  EXPECT_EQ(claim("w4").job_id(), urgent);
  EXPECT_EQ(claim("w5").job_id(), routine);
  EXPECT_EQ(claim("w6").job_id(), batch);
}

TEST_F(JobQueueTest, PriorityMayChangeAndIsKept) {
  submit("1");
  std::string const id = submit("2");
  SetPriorityRequest request;
  request.set_job_id(id);
  request.set_priority(PRIORITY_URGENT);

  queue_->set_priority(request);

  restart();
  EXPECT_EQ(queue_->job(id).spec().priority(), PRIORITY_URGENT);
  TaskClaim const task = claim("w");
  EXPECT_EQ(task.job_id(), id);
  queue_->finish(finished(task, FinishRequest::OUTCOME_SUCCEEDED));
  EXPECT_EQ(refusal([&] { queue_->set_priority(request); }), "JOB_IS_OVER");
}

TEST_F(JobQueueTest, AnEmergencyTakesThePlaceOfTheJobThatHasDoneLeast) {
  std::string const urgent = submit("1", PRIORITY_URGENT);
  std::string const older = submit("2");
  std::string const younger = submit("3");
  TaskClaim const of_urgent = claim("a"), of_older = claim("b"), of_younger = claim("c");

  std::string const emergency = submit("4", PRIORITY_EMERGENCY);

  EXPECT_TRUE(is_to_stop(of_younger));
  EXPECT_FALSE(is_to_stop(of_older));
  EXPECT_FALSE(is_to_stop(of_urgent));
  queue_->finish(finished(of_younger, FinishRequest::OUTCOME_CANCELLED));
  Job const victim = queue_->job(younger);
  EXPECT_EQ(victim.state(), JOB_STATE_QUEUED);
  EXPECT_EQ(victim.error().reason(), "PREEMPTED");
  EXPECT_EQ(victim.preemptions(), 1u);
  EXPECT_EQ(claim("c").job_id(), emergency);
  TaskClaim const again = claim("d");
  EXPECT_EQ(again.job_id(), younger);
  EXPECT_EQ(again.attempt(), 1u) << "the same attempt";
  EXPECT_GT(again.epoch(), of_younger.epoch());
}

TEST_F(JobQueueTest, AJobMakesRoomOnceAndNeverForLessThanAnEmergency) {
  submit("1", PRIORITY_BATCH);
  TaskClaim task = claim("w");
  submit("2", PRIORITY_URGENT);
  EXPECT_FALSE(is_to_stop(task));
  submit("3", PRIORITY_EMERGENCY);
  EXPECT_TRUE(is_to_stop(task));
  queue_->finish(finished(task, FinishRequest::OUTCOME_CANCELLED));
  restart();  // and that is remembered
  for (int i = 0; i < 2; ++i)
    queue_->finish(finished(claim("w"), FinishRequest::OUTCOME_SUCCEEDED));
  task = claim("w");

  submit("4", PRIORITY_EMERGENCY);

  EXPECT_FALSE(is_to_stop(task));
}

TEST_F(JobQueueTest, ACancelledJobThatWasToMakeRoomIsCancelled) {
  std::string const id = submit("1");
  TaskClaim const task = claim("w");
  submit("2", PRIORITY_EMERGENCY);

  queue_->cancel(id);
  queue_->finish(finished(task, FinishRequest::OUTCOME_CANCELLED));

  EXPECT_EQ(queue_->job(id).state(), JOB_STATE_CANCELLED);
}

TEST_F(JobQueueTest, ExpiresWhatDidNotStartInTime) {
  std::string const started = submit("1", PRIORITY_ROUTINE, 60);
  claim("w");
  std::string const waiting = submit("2", PRIORITY_ROUTINE, 60);
  std::string const patient = submit("3");
  now_ += std::chrono::seconds(61);
  queue_->retire_worker("w", "signal 9");  // queued again, and no longer subject to it

  queue_->tick();

  EXPECT_EQ(queue_->job(waiting).state(), JOB_STATE_EXPIRED);
  EXPECT_EQ(queue_->job(waiting).error().reason(), "QUEUE_TIME_EXCEEDED");
  EXPECT_EQ(queue_->job(started).state(), JOB_STATE_QUEUED);
  EXPECT_EQ(queue_->job(patient).state(), JOB_STATE_QUEUED);
}

TEST_F(JobQueueTest, WhatNeverFitsHereEndsAndTheRestStays) {
  std::string const small = submit("1");
  SubmitJobRequest request;
  request.set_request_id("2");
  JobSpec spec;
  spec.set_upload_id(upload_id_);
  std::string const large = queue_->submit(request, spec, 1001).job_id();
  restart();  // on a smaller machine

  queue_->fail_what_never_fits(0);
  EXPECT_EQ(queue_->job(large).state(), JOB_STATE_QUEUED) << "the device does not say";
  queue_->fail_what_never_fits(1000);

  EXPECT_EQ(queue_->job(large).state(), JOB_STATE_FAILED);
  EXPECT_EQ(queue_->job(large).error().reason(), "DOES_NOT_FIT");
  EXPECT_EQ(queue_->job(small).state(), JOB_STATE_QUEUED);
}

TEST_F(JobQueueTest, RetryIsANewJobWithTheSameSpec) {
  std::string const id = submit("1", PRIORITY_URGENT);
  RetryJobRequest request;
  request.set_request_id("again");
  request.set_job_id(id);
  EXPECT_EQ(refusal([&] { queue_->retry(request, request.job_id()); }), "JOB_IS_NOT_OVER");
  queue_->cancel(id);

  Job const made = queue_->retry(request, request.job_id());

  EXPECT_NE(made.job_id(), id);
  EXPECT_EQ(made.retry_of(), id);
  EXPECT_EQ(made.spec().priority(), PRIORITY_URGENT);
  EXPECT_EQ(queue_->retry(request, request.job_id()).job_id(), made.job_id())
      << "the same request, the same job";
  TaskClaim const task = claim("w");
  EXPECT_EQ(task.job_id(), made.job_id());
  queue_->finish(finished(task, FinishRequest::OUTCOME_SUCCEEDED));
  request.set_request_id("once more");
  request.set_job_id(made.job_id());
  EXPECT_EQ(refusal([&] { queue_->retry(request, request.job_id()); }), "JOB_SUCCEEDED");
}

}  // namespace
}  // namespace chistream::test
