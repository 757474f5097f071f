// What happens to a job when a worker, or the daemon, does not do what it should.
#include "server/server_fixture.hpp"
#include "store/request_error.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

class RecoveryTest : public ServerTest {
 protected:
  RecoveryTest() {
    options_.cancel_grace_s = 0.2;
    start();
  }

  bool runs(std::string const& job_id) {
    return eventually([&] { return get_job(job_id).progress().iteration() > 0; });
  }
};

TEST_F(RecoveryTest, CrashIsTriedOnceMore) {
  std::string const id = submitted_job("crash-once");

  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));

  EXPECT_EQ(get_job(id).attempt(), 2u);
  EXPECT_EQ(get_job(id).error().reason(), "WORKER_CRASH") << "why the first attempt ended";
  grpc::ClientContext context;
  ListArtifactsRequest request;
  request.set_job_id(id);
  ArtifactList artifacts;
  ASSERT_TRUE(results_->ListArtifacts(&context, request, &artifacts).ok());
  EXPECT_EQ(artifacts.artifacts_size(), 3) << "nothing of the first attempt";
  EXPECT_FALSE(std::filesystem::exists(options_.spool / "results" / id / "half.txt"));
}

TEST_F(RecoveryTest, SecondCrashFailsTheJobAndTheQueueGoesOn) {
  std::string const id = submitted_job("crash");
  std::string const next = submitted_job("succeed");

  ASSERT_TRUE(reaches(id, JOB_STATE_FAILED));

  EXPECT_EQ(get_job(id).attempt(), 2u);
  EXPECT_EQ(get_job(id).error().reason(), "WORKER_CRASH");
  EXPECT_TRUE(get_job(id).error().retryable());
  EXPECT_TRUE(reaches(next, JOB_STATE_SUCCEEDED));
  EXPECT_TRUE(std::filesystem::is_empty(options_.spool / "staging"));
}

TEST_F(RecoveryTest, BrokenHeartbeatEndsTheAttempt) {
  std::string const id = submitted_job("drop-heartbeat");

  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));

  EXPECT_EQ(get_job(id).attempt(), 2u);
}

TEST_F(RecoveryTest, WrongArtifactCountIsRefused) {
  EXPECT_TRUE(reaches(submitted_job("wrong-count"), JOB_STATE_FAILED));
}

TEST_F(RecoveryTest, SecondFinishChangesNothing) {
  std::string const id = submitted_job("finish-twice");
  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));

  std::string const next = submitted_job("succeed");

  ASSERT_TRUE(reaches(next, JOB_STATE_SUCCEEDED));  // so the second Finish has been answered
  EXPECT_EQ(get_job(id).state(), JOB_STATE_SUCCEEDED);
}

TEST_F(RecoveryTest, CancelOfAQueuedJobIsImmediate) {
  std::string const running = submitted_job("obey-cancel");
  std::string const queued = submitted_job("succeed");
  ASSERT_TRUE(runs(running));

  EXPECT_EQ(cancel(queued).state(), JOB_STATE_CANCELLED);

  cancel(running);
  EXPECT_TRUE(reaches(running, JOB_STATE_CANCELLED));
  EXPECT_EQ(get_job(queued).attempt(), 0u);
}

TEST_F(RecoveryTest, CancelReachesARunningJob) {
  std::string const id = submitted_job("obey-cancel");
  ASSERT_TRUE(runs(id));

  EXPECT_EQ(cancel(id).state(), JOB_STATE_CANCELLING);

  EXPECT_TRUE(reaches(id, JOB_STATE_CANCELLED));
}

TEST_F(RecoveryTest, WorkerThatIgnoresCancelIsKilled) {
  std::string const id = submitted_job("ignore-cancel");
  ASSERT_TRUE(runs(id));

  cancel(id);

  EXPECT_TRUE(reaches(id, JOB_STATE_CANCELLED));
  EXPECT_TRUE(reaches(submitted_job("succeed"), JOB_STATE_SUCCEEDED));
}

TEST_F(RecoveryTest, RestartQueuesTheRunningJobAgainWithoutCountingACrash) {
  std::string const id = submitted_job("obey-cancel");
  for (std::uint32_t attempt = 1; attempt <= 4; ++attempt) {
    ASSERT_TRUE(runs(id));
    EXPECT_EQ(get_job(id).attempt(), attempt);
    restart();
  }

  ASSERT_TRUE(runs(id));
  cancel(id);
  EXPECT_TRUE(reaches(id, JOB_STATE_CANCELLED));
}

TEST_F(RecoveryTest, TwoServersDoNotShareASpool) {
  try {
    Server second(options_);
    FAIL() << "the second server started";
  } catch (RequestError const& error) {
    EXPECT_EQ(error.detail().reason(), "SPOOL_LOCKED");
  }
}

TEST_F(RecoveryTest, TwoServersDoNotShareAPort) {
  DaemonOptions other = options_;
  other.listen = server_->address();
  other.spool = directory_.path() / "other";

  try {
    Server second(other);
    FAIL() << "the second server started";
  } catch (RequestError const& error) {
    EXPECT_EQ(error.detail().reason(), "CANNOT_LISTEN");
  }
}

}  // namespace
}  // namespace chistream::test
