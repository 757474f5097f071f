// Several workers at the same time, one per device and per place on it.
#include "server/server_fixture.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

class WorkersTest : public ServerTest {
 protected:
  WorkersTest() {
    options_.workers = 2;
    start();
  }

  ServerInfo info() {
    grpc::ClientContext context;
    ServerInfo info;
    EXPECT_TRUE(admin_->GetServerInfo(&context, {}, &info).ok());
    return info;
  }
};

TEST_F(WorkersTest, TwoOnOneDeviceWorkAtTheSameTime) {
  std::string const first = prioritised_job("1", "obey-cancel");
  std::string const second = prioritised_job("2", "obey-cancel");

  EXPECT_TRUE(reaches(first, JOB_STATE_RUNNING));
  EXPECT_TRUE(reaches(second, JOB_STATE_RUNNING));

  ServerInfo const both = info();
  ASSERT_EQ(both.workers_size(), 2);
  EXPECT_EQ(both.running_jobs(), 2u);
  EXPECT_NE(both.workers(0).worker_id(), both.workers(1).worker_id());
  EXPECT_EQ(both.workers(0).device().index(), both.workers(1).device().index());
  EXPECT_NE(both.workers(0).job_id(), both.workers(1).job_id());
  cancel(first);
  EXPECT_TRUE(reaches(first, JOB_STATE_CANCELLED));
  EXPECT_EQ(get_job(second).state(), JOB_STATE_RUNNING);
  cancel(second);
  EXPECT_TRUE(reaches(second, JOB_STATE_CANCELLED));
}

TEST_F(WorkersTest, ACrashTakesOneJobAndTheOtherGoesOn) {
  std::string const quiet = prioritised_job("quiet", "obey-cancel");
  ASSERT_TRUE(reaches(quiet, JOB_STATE_RUNNING));

  std::string const crashing = prioritised_job("crashing", "crash");

  EXPECT_TRUE(reaches(crashing, JOB_STATE_FAILED));
  EXPECT_EQ(get_job(quiet).state(), JOB_STATE_RUNNING);
  EXPECT_EQ(get_job(quiet).attempt(), 1u);
  cancel(quiet);
  EXPECT_TRUE(reaches(quiet, JOB_STATE_CANCELLED));
}

TEST_F(WorkersTest, AJobWaitsForRoomBesideWhatRuns) {
  auto const large = [&](std::string const& name, double bytes) {
    SubmitJobRequest request = job_request("job " + name, committed_upload(name), "obey-cancel");
    auto& option = *request.mutable_spec()->add_overrides();
    option.set_option("fake.bytes");
    option.set_number(bytes);
    Job job;
    grpc::Status const status = submit(request, &job);
    return status.ok() ? job.job_id() : reason(status);
  };
  std::string const first = large("1", 600);
  ASSERT_TRUE(reaches(first, JOB_STATE_RUNNING));
  std::string const second = large("2", 500);
  std::string const small = prioritised_job("small", "succeed");

  EXPECT_EQ(large("3", 1001), "DOES_NOT_FIT") << "never";
  EXPECT_EQ(get_job(second).state(), JOB_STATE_QUEUED) << "not now";
  EXPECT_EQ(get_job(second).estimated_bytes(), 500u);
  EXPECT_EQ(get_job(small).state(), JOB_STATE_QUEUED) << "it does not overtake";

  cancel(first);
  EXPECT_TRUE(reaches(second, JOB_STATE_RUNNING));
  EXPECT_TRUE(reaches(small, JOB_STATE_SUCCEEDED));
  cancel(second);
  EXPECT_TRUE(reaches(second, JOB_STATE_CANCELLED));
}

TEST_F(WorkersTest, WhatRanOutOfMemoryIsTriedOnceMoreAlone) {
  std::string const id = prioritised_job("greedy", "out-of-memory");

  ASSERT_TRUE(reaches(id, JOB_STATE_FAILED));

  EXPECT_EQ(get_job(id).attempt(), 2u);
  EXPECT_EQ(get_job(id).estimated_bytes(), 1000u) << "the whole device";
  EXPECT_EQ(get_job(id).error().reason(), "OUT_OF_MEMORY");
}

TEST_F(WorkersTest, AnEmergencyStopsNobodyWhereAWorkerIsIdle) {
  std::string const routine = prioritised_job("routine", "obey-cancel");
  ASSERT_TRUE(reaches(routine, JOB_STATE_RUNNING));

  std::string const emergency = prioritised_job("emergency", "succeed", PRIORITY_EMERGENCY);

  EXPECT_TRUE(reaches(emergency, JOB_STATE_SUCCEEDED));
  EXPECT_EQ(get_job(routine).preemptions(), 0u);
  cancel(routine);
  EXPECT_TRUE(reaches(routine, JOB_STATE_CANCELLED));
}

}  // namespace
}  // namespace chistream::test
