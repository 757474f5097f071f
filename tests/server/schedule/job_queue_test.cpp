#include "schedule/job_queue.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "server/temporary_directory.hpp"
#include "store/request_error.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

template <class Call>
std::string refusal(Call const& call) {
  try {
    call();
  } catch (RequestError const& error) {
    return error.detail().reason();
  }
  return "";
}

class JobQueueTest : public ::testing::Test {
 protected:
  JobQueueTest() {
    CreateUploadRequest upload;
    upload.set_request_id("u");
    upload_id_ = journal_.create_upload(upload).upload.upload_id();
    queue_.emplace(journal_, spool_);
  }

  std::string submit(std::string const& request_id) {
    SubmitJobRequest request;
    request.set_request_id(request_id);
    JobSpec spec;
    spec.set_upload_id(upload_id_);
    return queue_->submit(request, spec).job_id();
  }
  TaskClaim claim(std::string const& worker) {
    ClaimRequest request;
    request.set_worker_id(worker);
    return queue_->claim(request, [] { return false; }).claim();
  }
  static FinishRequest finished(TaskClaim const& claim, FinishRequest::Outcome outcome) {
    FinishRequest request;
    *request.mutable_claim() = claim;
    request.set_outcome(outcome);
    return request;
  }
  void restart() {
    queue_.reset();
    queue_.emplace(journal_, spool_);
  }

  TemporaryDirectory directory_;
  Spool spool_{directory_.path() / "spool"};
  Journal journal_{spool_.journal()};
  std::string upload_id_;
  std::optional<JobQueue> queue_;
};

TEST_F(JobQueueTest, GivesOutJobsInTheOrderOfSubmission) {
  std::string const first = submit("1");
  std::string const second = submit("2");

  EXPECT_EQ(claim("w").job_id(), first);
  EXPECT_EQ(claim("w").job_id(), second);
  EXPECT_EQ(claim("w").job_id(), "") << "no work";
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

}  // namespace
}  // namespace chistream::test
