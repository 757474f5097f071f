// What whoever runs the server does with it: drain, reload, watch its health, remove what is old.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "server/server_fixture.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

class OperationsTest : public ServerTest {
 protected:
  OperationsTest() {
    options_.metrics = "127.0.0.1:0";
    start();
  }

  /// Status line and body.
  std::string get(std::string const& path) {
    int const socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server_->metrics_port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    std::string const request = "GET " + path + " HTTP/1.0\r\n\r\n";
    EXPECT_EQ(::write(socket, request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    std::string answer;
    char piece[4096];
    for (ssize_t n; (n = ::read(socket, piece, sizeof(piece))) > 0;)
      answer.append(piece, static_cast<std::size_t>(n));
    ::close(socket);
    return answer;
  }

  grpc::Status set_drain(bool draining) {
    grpc::ClientContext context;
    SetDrainRequest request;
    request.set_draining(draining);
    ServerInfo info;
    grpc::Status const status = admin_->SetDrain(&context, request, &info);
    EXPECT_EQ(info.draining(), draining);
    return status;
  }

  grpc::Status delete_result(std::string const& job_id) {
    grpc::ClientContext context;
    DeleteResultRequest request;
    request.set_job_id(job_id);
    DeleteResultResponse response;
    return results_->DeleteResult(&context, request, &response);
  }

  grpc::Status list_artifacts(std::string const& job_id) {
    grpc::ClientContext context;
    ListArtifactsRequest request;
    request.set_job_id(job_id);
    ArtifactList artifacts;
    return results_->ListArtifacts(&context, request, &artifacts);
  }
};

TEST_F(OperationsTest, DrainLetsFinishWhatRunsAndTakesNothingNew) {
  std::string const running = prioritised_job("running", "slow");
  std::string const queued = prioritised_job("queued", "succeed");
  ASSERT_TRUE(reaches(running, JOB_STATE_RUNNING));
  std::string const upload = committed_upload("kept");
  ASSERT_TRUE(set_drain(true).ok());

  EXPECT_TRUE(reaches(running, JOB_STATE_SUCCEEDED));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(get_job(queued).state(), JOB_STATE_QUEUED);
  Job job;
  EXPECT_EQ(reason(submit(job_request("new", upload), &job)), "DRAINING");
  grpc::ClientContext context;
  CreateUploadRequest request;
  request.set_request_id("new");
  Upload opened;
  EXPECT_EQ(reason(uploads_->CreateUpload(&context, request, &opened)), "DRAINING");
  EXPECT_NE(get("/readyz").find("503"), std::string::npos);
  EXPECT_NE(get("/livez").find("200 OK"), std::string::npos);

  ASSERT_TRUE(set_drain(false).ok());
  EXPECT_TRUE(reaches(queued, JOB_STATE_SUCCEEDED));
  EXPECT_NE(get("/readyz").find("200 OK"), std::string::npos);
}

TEST_F(OperationsTest, MetricsCountCallsJobsAndBytes) {
  std::string const id = submitted_job("succeed");
  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));
  std::string const text = get("/metrics");

  for (char const* line :
       {"chistream_jobs_ended_total{reason=\"\",state=\"SUCCEEDED\"} 1",
        "chistream_jobs_queued{class=\"EMERGENCY\"} 0",
        "chistream_calls_total{method=\"JobService/SubmitJob\",reason=\"OK\"} 1",
        "chistream_spool_free_bytes", "chistream_call_seconds_bucket", "chistream_draining 0"})
    EXPECT_NE(text.find(line), std::string::npos) << line;
  std::size_t const uploaded = text.find("\nchistream_uploaded_bytes_total ");
  ASSERT_NE(uploaded, std::string::npos);
  EXPECT_GT(std::stod(text.substr(uploaded + 32)), 100);
  EXPECT_EQ(text.find(id), std::string::npos) << "no ids in labels";
}

TEST_F(OperationsTest, ADeletedResultIsGoneAndTheJobSaysSo) {
  std::string const id = submitted_job("succeed");
  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));
  std::string const upload = get_job(id).spec().upload_id();

  ASSERT_TRUE(delete_result(id).ok());

  EXPECT_EQ(reason(list_artifacts(id)), "RESULT_REMOVED");
  EXPECT_TRUE(get_job(id).has_result_removed_at());
  EXPECT_FALSE(std::filesystem::exists(options_.spool / "results" / id));
  EXPECT_FALSE(std::filesystem::exists(options_.spool / "uploads" / upload));
  EXPECT_EQ(get_upload(upload).state(), UPLOAD_STATE_REMOVED);
  EXPECT_EQ(reason(delete_result(id)), "RESULT_REMOVED");
  Job job;
  EXPECT_EQ(reason(submit(job_request("again", upload), &job)), "UPLOAD_NOT_COMMITTED");
  restart();
  EXPECT_EQ(reason(list_artifacts(id)), "RESULT_REMOVED");
}

TEST_F(OperationsTest, AnExamThatAnotherJobUsesStays) {
  std::string const upload = committed_upload("exam");
  Job first, second;
  ASSERT_TRUE(submit(job_request("1", upload), &first).ok());
  ASSERT_TRUE(reaches(first.job_id(), JOB_STATE_SUCCEEDED));
  ASSERT_TRUE(submit(job_request("2", upload, "obey-cancel"), &second).ok());

  ASSERT_TRUE(delete_result(first.job_id()).ok());

  EXPECT_EQ(get_upload(upload).state(), UPLOAD_STATE_COMMITTED);
  cancel(second.job_id());
}

TEST_F(OperationsTest, WhatIsOldEnoughIsRemovedUnlessItWasAskedToBeKept) {
  std::string const gone = prioritised_job("gone", "succeed");
  std::string const kept = prioritised_job("kept", "succeed");
  ASSERT_TRUE(reaches(gone, JOB_STATE_SUCCEEDED) && reaches(kept, JOB_STATE_SUCCEEDED));
  create_upload("never committed");
  server_.reset();
  Spool spool(options_.spool);
  Journal journal(spool.journal());
  Retention retention(journal, spool, {});
  auto const now = std::chrono::system_clock::now();
  using std::chrono::hours;

  retention.extend(kept, now + hours(24 * 365));
  retention.run(now + hours(24 * 29));
  EXPECT_FALSE(journal.job(gone).job.has_result_removed_at());
  for (UploadRecord const& record : journal.uploads())
    EXPECT_EQ(record.upload.state(), UPLOAD_STATE_REMOVED) << "exams go after a week";

  retention.run(now + hours(24 * 31));
  EXPECT_TRUE(journal.job(gone).job.has_result_removed_at());
  EXPECT_FALSE(journal.job(kept).job.has_result_removed_at());
  retention.run(now + hours(24 * 366));
  EXPECT_TRUE(journal.job(kept).job.has_result_removed_at());
}

TEST_F(OperationsTest, ReloadTakesUpTheAccessFileOrLeavesEverything) {
  server_.reset();
  options_.access_file = directory_.path() / "access.json";
  auto const write = [&](std::string const& text) { std::ofstream(options_.access_file) << text; };
  write(R"({"tenants": {"t": {}}, "callers": []})");
  std::string const token =
      add_token(options_.access_file, {.name = "boss", .tenant = "t", .roles = {Role::kAdmin}}, 9);
  DaemonOptions fresh = options_;
  server_ = std::make_unique<Server>(options_, [&] { return fresh; });
  connect(server_->address());
  authorize(token);
  std::string const other =
      add_token(options_.access_file, {.name = "new", .tenant = "t", .roles = {Role::kRead}}, 9);
  auto const listed_as = [&](std::string const& who) {
    authorize(who);
    grpc::ClientContext context;
    sign(context);
    ListJobsResponse jobs;
    return reason(jobs_->ListJobs(&context, {}, &jobs));
  };
  EXPECT_EQ(listed_as(other), "TOKEN_UNKNOWN");
  auto const reload = [&] {
    authorize(token);
    grpc::ClientContext context;
    sign(context);
    ReloadConfigResponse done;
    return reason(admin_->ReloadConfig(&context, {}, &done));
  };

  EXPECT_EQ(reload(), "");
  EXPECT_EQ(listed_as(other), "");
  write("{\"tenants\": [");
  EXPECT_EQ(reload(), "ACCESS_FILE");
  EXPECT_EQ(listed_as(other), "") << "what was read before stays";
  fresh.workers = 7;
  EXPECT_EQ(reload(), "CONFIG_NEEDS_RESTART");
}

}  // namespace
}  // namespace chistream::test
