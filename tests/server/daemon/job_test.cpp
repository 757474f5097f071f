#include <fcntl.h>

#include "server/server_fixture.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;

class JobTest : public ServerTest {
 protected:
  JobTest() { start(); }

  std::vector<SeriesItem> series(std::string const& job_id, grpc::Status* status) {
    grpc::ClientContext context;
    StreamSeriesRequest request;
    request.set_job_id(job_id);
    auto const stream = results_->StreamSeries(&context, request);
    std::vector<SeriesItem> items;
    for (SeriesItem item; stream->Read(&item);) items.push_back(item);
    *status = stream->Finish();
    return items;
  }
};

TEST_F(JobTest, RunsToItsResult) {
  std::string const id = submitted_job("succeed");

  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));

  Job const job = get_job(id);
  EXPECT_EQ(job.attempt(), 1u);
  EXPECT_EQ(job.device(), "fake device");
  EXPECT_EQ(job.spec().pipeline(), "fake@1");
  EXPECT_EQ(job.peak_bytes(), 1000u);
  EXPECT_TRUE(job.has_finished_at());
  EXPECT_FALSE(job.has_error());
}

TEST_F(JobTest, SubmitIsIdempotentByRequestId) {
  auto request = job_request("r", committed_upload("u"));
  Job first, again, other;
  ASSERT_TRUE(submit(request, &first).ok());
  ASSERT_TRUE(reaches(first.job_id(), JOB_STATE_SUCCEEDED));

  restart();

  ASSERT_TRUE(submit(request, &again).ok());
  EXPECT_EQ(again.job_id(), first.job_id());
  EXPECT_EQ(again.state(), JOB_STATE_SUCCEEDED);
  request.mutable_spec()->clear_overrides();
  EXPECT_EQ(reason(submit(request, &other)), "REQUEST_ID_REUSED");
}

TEST_F(JobTest, NeedsACommittedUpload) {
  Job job;

  EXPECT_EQ(reason(submit(job_request("r", create_upload("u").upload_id()), &job)),
            "UPLOAD_NOT_COMMITTED");
  EXPECT_EQ(reason(submit(job_request("r", "none"), &job)), "UPLOAD_NOT_FOUND");
}

TEST_F(JobTest, WatchEndsWithTheTerminalStateAndCountsItsEvents) {
  std::string const id = submitted_job("succeed");
  grpc::ClientContext context;
  WatchJobRequest request;
  request.set_job_id(id);
  auto const stream = jobs_->WatchJob(&context, request);

  std::vector<JobEvent> events;
  for (JobEvent event; stream->Read(&event);) events.push_back(event);

  ASSERT_TRUE(stream->Finish().ok());
  ASSERT_FALSE(events.empty());
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_GT(events[i].seq(), events[i - 1].seq());
  EXPECT_EQ(events.back().job().state(), JOB_STATE_SUCCEEDED);
}

TEST_F(JobTest, WatchShowsProgressAtMostFourTimesASecond) {
  std::string const id = submitted_job("obey-cancel");  // reports every 5 ms
  grpc::ClientContext context;
  WatchJobRequest request;
  request.set_job_id(id);
  auto const stream = jobs_->WatchJob(&context, request);
  JobEvent event;
  std::vector<double> times;

  while (times.size() < 4 && stream->Read(&event))
    if (event.job().progress().iteration() > 1)
      times.push_back(static_cast<double>(event.at().seconds()) + 1e-9 * event.at().nanos());

  ASSERT_EQ(times.size(), 4u);
  EXPECT_GE(times.back() - times.front(), 3 * 0.24);
  cancel(id);
  while (stream->Read(&event)) continue;
  EXPECT_EQ(event.job().state(), JOB_STATE_CANCELLED);
}

TEST_F(JobTest, StreamsTheSeriesInOrderWithAManifest) {
  std::string const id = submitted_job("succeed");
  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));
  grpc::Status status;

  auto const items = series(id, &status);

  ASSERT_TRUE(status.ok());
  ASSERT_EQ(items.size(), 6u);  // head, data; head, data, data; manifest
  EXPECT_EQ(items[0].head().name(), "dicom/0001.dcm");
  EXPECT_EQ(items[1].data(), "aaaaa");
  EXPECT_EQ(items[2].head().name(), "dicom/0002.dcm");
  EXPECT_EQ(sha256_of(items[3].data() + items[4].data()), items[2].head().sha256());
  EXPECT_EQ(items[5].manifest().instances(), 2u);
  EXPECT_EQ(items[5].manifest().entries(1).name(), "dicom/0002.dcm");
}

TEST_F(JobTest, DamagedResultHasNoManifest) {
  std::string const id = submitted_job("succeed");
  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));
  {
    File file(options_.spool / "results" / id / "dicom" / "0002.dcm", O_WRONLY);
    std::byte const flipped{0};
    file.write_at(100, {&flipped, 1});
  }
  grpc::Status status;

  auto const items = series(id, &status);

  EXPECT_EQ(reason(status), "ARTIFACT_DAMAGED");
  EXPECT_FALSE(items.back().has_manifest());
}

TEST_F(JobTest, ReadsArtifactsFromAnOffset) {
  std::string const id = submitted_job("succeed");
  ASSERT_TRUE(reaches(id, JOB_STATE_SUCCEEDED));
  auto const read = [&](std::string const& name, std::uint64_t offset, std::string* content) {
    grpc::ClientContext context;
    ReadArtifactRequest request;
    request.set_job_id(id);
    request.set_name(name);
    request.set_offset(offset);
    auto const stream = results_->ReadArtifact(&context, request);
    for (DataChunk piece; stream->Read(&piece);) {
      EXPECT_EQ(piece.offset(), offset + content->size());
      *content += piece.data();
    }
    return stream->Finish();
  };
  std::string whole, tail, nothing;

  EXPECT_TRUE(read("dicom/0002.dcm", 0, &whole).ok());
  EXPECT_TRUE(read("dicom/0002.dcm", 1u << 20, &tail).ok());
  EXPECT_EQ(whole, std::string((1u << 20) + 17, 'b'));
  EXPECT_EQ(tail, std::string(17, 'b'));
  EXPECT_EQ(reason(read("dicom/0001.dcm", 6, &nothing)), "OFFSET_BEYOND_END");
  EXPECT_EQ(reason(read("../../journal.db", 0, &nothing)), "ARTIFACT_NOT_FOUND");
}

TEST_F(JobTest, ResultOfAFailedJobDoesNotExist) {
  std::string const id = submitted_job("fail");
  ASSERT_TRUE(reaches(id, JOB_STATE_FAILED));
  grpc::Status status;

  EXPECT_TRUE(series(id, &status).empty());

  EXPECT_EQ(reason(status), "JOB_NOT_SUCCEEDED");
  EXPECT_EQ(get_job(id).error().reason(), "NOT_CONVERGED");
  EXPECT_EQ(get_job(id).error().stage(), "inversion");
}

TEST_F(JobTest, ListsNewestFirst) {
  std::string const first = submitted_job("succeed");
  std::string const second = submitted_job("fail");
  grpc::ClientContext context;
  ListJobsResponse listed;

  ASSERT_TRUE(jobs_->ListJobs(&context, {}, &listed).ok());

  ASSERT_EQ(listed.jobs_size(), 2);
  EXPECT_EQ(listed.jobs(0).job_id(), second);
  EXPECT_EQ(listed.jobs(1).job_id(), first);
}

TEST_F(JobTest, ListsByStateAndPageByPage) {
  std::string const first = submitted_job("succeed");
  ASSERT_TRUE(reaches(first, JOB_STATE_SUCCEEDED));
  std::string const failed = submitted_job("fail");
  ASSERT_TRUE(reaches(failed, JOB_STATE_FAILED));
  Job job;
  ASSERT_TRUE(submit(job_request("third", committed_upload("third")), &job).ok());
  ASSERT_TRUE(reaches(job.job_id(), JOB_STATE_SUCCEEDED));
  auto const list = [&](ListJobsRequest const& request) {
    grpc::ClientContext context;
    ListJobsResponse listed;
    EXPECT_TRUE(jobs_->ListJobs(&context, request, &listed).ok());
    return listed;
  };
  ListJobsRequest request;
  request.set_limit(1);
  request.add_states(JOB_STATE_SUCCEEDED);

  auto const newest = list(request);
  ASSERT_EQ(newest.jobs_size(), 1);
  EXPECT_EQ(newest.jobs(0).job_id(), job.job_id());
  request.set_page_token(newest.next_page_token());
  auto const older = list(request);
  ASSERT_EQ(older.jobs_size(), 1);
  EXPECT_EQ(older.jobs(0).job_id(), first);
  request.set_page_token(older.next_page_token());
  EXPECT_EQ(list(request).jobs_size(), 0);
  EXPECT_EQ(list(request).next_page_token(), "");
}

TEST_F(JobTest, RefusesStatesAndPagesThatDoNotExist) {
  auto const refusal = [&](ListJobsRequest const& request) {
    grpc::ClientContext context;
    ListJobsResponse listed;
    return reason(jobs_->ListJobs(&context, request, &listed));
  };
  ListJobsRequest states;
  states.add_states(static_cast<JobState>(77));
  EXPECT_EQ(refusal(states), "UNKNOWN_STATE");
  for (char const* token : {"x", "-1", "1x", " 1", "99999999999999999999"}) {
    ListJobsRequest page;
    page.set_page_token(token);
    EXPECT_EQ(refusal(page), "BAD_PAGE_TOKEN") << token;
  }
}

TEST_F(JobTest, ServerInfoNamesTheWorker) {
  grpc::ClientContext context;
  ServerInfo info;

  ASSERT_TRUE(admin_->GetServerInfo(&context, {}, &info).ok());

  ASSERT_EQ(info.workers_size(), 1);
  EXPECT_EQ(info.workers(0).device().name(), "fake device");
  EXPECT_GT(info.spool_free_bytes(), 0u);
  EXPECT_FALSE(info.version().empty());
}

}  // namespace
}  // namespace chistream::test
