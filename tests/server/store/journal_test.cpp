#include "store/journal.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "server/temporary_directory.hpp"
#include "store/request_error.hpp"

namespace chistream::test {
namespace {

qsm::v1::CreateUploadRequest upload_request(std::string const& id, std::uint64_t bytes) {
  qsm::v1::CreateUploadRequest request;
  request.set_request_id(id);
  request.set_declared_bytes(bytes);
  return request;
}

qsm::v1::Job queued_job(std::string const& id) {
  qsm::v1::Job job;
  job.set_job_id(id);
  job.set_state(qsm::v1::JOB_STATE_QUEUED);
  return job;
}

qsm::v1::SubmitJobRequest job_request(std::string const& id) {
  qsm::v1::SubmitJobRequest request;
  request.set_request_id(id);
  return request;
}

class JournalTest : public ::testing::Test {
 protected:
  void reopen() {
    journal_.reset();
    journal_.emplace(directory_.path() / "journal.db");
  }

  TemporaryDirectory directory_;
  std::optional<Journal> journal_{std::in_place, directory_.path() / "journal.db"};
};

TEST_F(JournalTest, UploadIsThereAfterReopening) {
  std::string const id = journal_->create_upload(upload_request("r", 70)).upload.upload_id();
  journal_->set_durable_offset(id, 33);

  reopen();

  UploadRecord const record = journal_->upload(id);
  EXPECT_EQ(record.upload.state(), qsm::v1::UPLOAD_STATE_OPEN);
  EXPECT_EQ(record.upload.durable_offset(), 33u);
  EXPECT_EQ(record.declared_bytes, 70u);
}

TEST_F(JournalTest, SameRequestGivesTheSameUploadAndAnotherBodyIsRefused) {
  std::string const id = journal_->create_upload(upload_request("r", 70)).upload.upload_id();

  reopen();

  EXPECT_EQ(journal_->create_upload(upload_request("r", 70)).upload.upload_id(), id);
  EXPECT_NE(journal_->create_upload(upload_request("s", 70)).upload.upload_id(), id);
  EXPECT_THROW(journal_->create_upload(upload_request("r", 71)), RequestError);
}

TEST_F(JournalTest, UploadAndJobMayHaveTheSameRequestId) {
  journal_->create_upload(upload_request("r", 70));

  EXPECT_EQ(journal_->insert_job(job_request("r"), queued_job("j")).job.job_id(), "j");
}

TEST_F(JournalTest, EpochGrowsAcrossJobsAndReopening) {
  JobRecord first = journal_->insert_job(job_request("1"), queued_job("a"));
  JobRecord second = journal_->insert_job(job_request("2"), queued_job("b"));

  journal_->claim_job(first);
  reopen();
  journal_->claim_job(second);
  journal_->claim_job(first);

  EXPECT_EQ(second.epoch, 2u);
  EXPECT_EQ(first.epoch, 3u);
  EXPECT_EQ(journal_->job("a").epoch, 3u);
}

TEST_F(JournalTest, JobsKeepTheOrderOfTheirSubmission) {
  journal_->insert_job(job_request("1"), queued_job("z"));
  journal_->insert_job(job_request("2"), queued_job("a"));
  JobRecord record = journal_->job("z");
  record.job.set_state(qsm::v1::JOB_STATE_RUNNING);
  journal_->claim_job(record);

  EXPECT_EQ(journal_->unfinished_jobs().at(0).job.job_id(), "z");
  EXPECT_EQ(journal_->unfinished_jobs().at(1).job.job_id(), "a");
  EXPECT_EQ(journal_->newest_jobs({.limit = 1}).at(0).job.job_id(), "a");
}

TEST_F(JournalTest, ARetryAndASubmissionDoNotShareRequestIds) {
  qsm::v1::RetryJobRequest retry;
  retry.set_request_id("1");
  retry.set_job_id("a");
  journal_->insert_job(job_request("1"), queued_job("a"));

  EXPECT_FALSE(journal_->submitted_job(retry));
  EXPECT_EQ(journal_->insert_job(retry, queued_job("b")).job.job_id(), "b");
  EXPECT_EQ(journal_->insert_job(retry, queued_job("c")).job.job_id(), "b");
}

TEST_F(JournalTest, FinishStoresStateAndArtifactsTogetherOrNeither) {
  JobRecord record = journal_->insert_job(job_request("1"), queued_job("j"));
  record.job.set_state(qsm::v1::JOB_STATE_SUCCEEDED);
  qsm::v1::Artifact artifact;
  artifact.set_name("chi.nii.gz");

  // The second of the same name breaks the transaction after the first was written.
  EXPECT_THROW(journal_->finish_job(record, {artifact, artifact}), std::runtime_error);
  EXPECT_EQ(journal_->job("j").job.state(), qsm::v1::JOB_STATE_QUEUED);
  EXPECT_TRUE(journal_->artifacts("j").empty());

  journal_->finish_job(record, {artifact});
  reopen();
  EXPECT_EQ(journal_->job("j").job.state(), qsm::v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(journal_->artifacts("j").size(), 1u);
  EXPECT_TRUE(journal_->unfinished_jobs().empty());
}

TEST_F(JournalTest, TenantsShareNeitherRequestIdsNorLists) {
  auto const mine = journal_->create_upload(upload_request("r", 70), "mine");
  auto const theirs = journal_->create_upload(upload_request("r", 71), "theirs");
  journal_->insert_job({job_request("1"), "mine"}, queued_job("a"));
  journal_->insert_job({job_request("1"), "theirs"}, queued_job("b"));

  EXPECT_NE(mine.upload.upload_id(), theirs.upload.upload_id());
  EXPECT_EQ(journal_->upload(theirs.upload.upload_id()).tenant, "theirs");
  auto const listed = journal_->newest_jobs({.tenant = "mine"});
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].job.job_id(), "a");
}

TEST_F(JournalTest, OffsetsThatComeTogetherAreAllOnDisk) {
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i)
    ids.push_back(
        journal_->create_upload(upload_request(std::to_string(i), 70)).upload.upload_id());
  {
    std::vector<std::jthread> writers;
    for (std::string const& id : ids)
      writers.emplace_back([&] {
        for (std::uint64_t offset = 1; offset <= 10; ++offset)
          journal_->set_durable_offset(id, offset);
      });
  }
  reopen();
  for (std::string const& id : ids) EXPECT_EQ(journal_->upload(id).upload.durable_offset(), 10u);
}

TEST_F(JournalTest, UnknownIdsAreNotFound) {
  EXPECT_THROW(journal_->upload("none"), RequestError);
  EXPECT_THROW(journal_->job("none"), RequestError);
}

TEST_F(JournalTest, RefusesAFileOfANewerServer) {
  Database(directory_.path() / "journal.db").execute("PRAGMA user_version=99");

  EXPECT_THROW(reopen(), RequestError);
}

}  // namespace
}  // namespace chistream::test
