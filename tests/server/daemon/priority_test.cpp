// Who goes first, seen through the API with real worker processes.
#include "server/server_fixture.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

class PriorityTest : public ServerTest {
 protected:
  PriorityTest() {
    options_.cancel_grace_s = 0.3;
    start();
  }

  grpc::Status set_priority(std::string const& id, Priority priority) {
    grpc::ClientContext context;
    SetPriorityRequest request;
    request.set_job_id(id);
    request.set_priority(priority);
    Job job;
    return jobs_->SetPriority(&context, request, &job);
  }
};

TEST_F(PriorityTest, AnEmergencyStopsARoutineJobWhichThenGoesOn) {
  std::string const routine = prioritised_job("routine", "obey-cancel", PRIORITY_ROUTINE);
  ASSERT_TRUE(reaches(routine, JOB_STATE_RUNNING));

  std::string const emergency = prioritised_job("emergency", "succeed", PRIORITY_EMERGENCY);

  EXPECT_TRUE(reaches(emergency, JOB_STATE_SUCCEEDED));
  EXPECT_TRUE(reaches(routine, JOB_STATE_RUNNING));
  EXPECT_EQ(get_job(routine).preemptions(), 1u);
  EXPECT_EQ(get_job(routine).attempt(), 1u);
  cancel(routine);
  EXPECT_TRUE(reaches(routine, JOB_STATE_CANCELLED));
}

TEST_F(PriorityTest, AWorkerThatDoesNotLetGoIsKilledForAnEmergency) {
  std::string const stubborn = prioritised_job("stubborn", "ignore-cancel", PRIORITY_BATCH);
  ASSERT_TRUE(reaches(stubborn, JOB_STATE_RUNNING));

  std::string const emergency = prioritised_job("emergency", "succeed", PRIORITY_EMERGENCY);

  EXPECT_TRUE(reaches(emergency, JOB_STATE_SUCCEEDED));
  EXPECT_TRUE(reaches(stubborn, JOB_STATE_RUNNING));
  EXPECT_EQ(get_job(stubborn).error().reason(), "PREEMPTED") << "not a crash";
}

TEST_F(PriorityTest, AJobThatBecomesAnEmergencyOvertakes) {
  std::string const running = prioritised_job("running", "obey-cancel", PRIORITY_ROUTINE);
  ASSERT_TRUE(reaches(running, JOB_STATE_RUNNING));
  std::string const waiting = prioritised_job("waiting", "succeed", PRIORITY_ROUTINE);

  EXPECT_TRUE(set_priority(waiting, PRIORITY_EMERGENCY).ok());

  EXPECT_TRUE(reaches(waiting, JOB_STATE_SUCCEEDED));
  EXPECT_EQ(reason(set_priority(waiting, PRIORITY_BATCH)), "JOB_IS_OVER");
  EXPECT_EQ(reason(set_priority(running, PRIORITY_UNSPECIFIED)), "UNKNOWN_PRIORITY");
  EXPECT_EQ(reason(set_priority("nobody's", PRIORITY_BATCH)), "JOB_NOT_FOUND");
}

TEST_F(PriorityTest, AJobThatWaitedTooLongExpiresAndMayBeTriedAgain) {
  std::string const running = prioritised_job("running", "obey-cancel", PRIORITY_ROUTINE);
  ASSERT_TRUE(reaches(running, JOB_STATE_RUNNING));
  SubmitJobRequest request = job_request("short", committed_upload("short"));
  request.mutable_spec()->mutable_max_queue_time()->set_nanos(1'000'000);
  Job job;
  ASSERT_TRUE(submit(request, &job).ok());
  ASSERT_TRUE(reaches(job.job_id(), JOB_STATE_EXPIRED));

  grpc::ClientContext context;
  RetryJobRequest retry;
  retry.set_request_id("again");
  retry.set_job_id(job.job_id());
  Job again;
  ASSERT_TRUE(jobs_->RetryJob(&context, retry, &again).ok());

  EXPECT_EQ(again.retry_of(), job.job_id());
  cancel(running);
}

}  // namespace
}  // namespace chistream::test
