// A spool that an earlier server left behind, killed in the middle of its work: SPOOL_V1 was
// written by the last server of schema version 1, with a failed, a running and a queued job.
#include <fstream>
#include <iterator>

#include "server/server_fixture.hpp"
#include "store/schema.hpp"
#include "store/sqlite.hpp"

namespace chistream::test {
namespace {

using namespace qsm::v1;
namespace fs = std::filesystem;

constexpr char kFailed[] = "bbc5b483be95f8e0cd339522e02eb4d6";
constexpr char kRunning[] = "7e7e61fd1681013231f0e0421ec3c158";
constexpr char kQueued[] = "c6fad1299097ecdb193efe28f4782e7c";
constexpr char kUpload[] = "911967ad016a9c37344796af78ade561";

class MigrationTest : public ServerTest {
 protected:
  MigrationTest() {
    fs::create_directory(options_.spool);
    fs::copy(fs::path(SPOOL_V1) / "uploads", options_.spool / "uploads");
    std::ifstream dump(fs::path(SPOOL_V1) / "journal.sql");
    Database(options_.spool / "journal.db").execute({std::istreambuf_iterator<char>(dump), {}});
  }
};

TEST_F(MigrationTest, JobsOfTheEarlierServerAreFinished) {
  start();

  EXPECT_EQ(get_job(kFailed).state(), JOB_STATE_FAILED);
  EXPECT_EQ(get_job(kFailed).error().reason(), "NOT_CONVERGED");
  ASSERT_TRUE(eventually([&] { return get_job(kRunning).attempt() == 2; }));
  EXPECT_EQ(get_job(kRunning).error().reason(), "SERVER_RESTARTED");
  cancel(kRunning);  // by its behaviour it would run for ever
  EXPECT_TRUE(reaches(kRunning, JOB_STATE_CANCELLED));
  EXPECT_TRUE(reaches(kQueued, JOB_STATE_SUCCEEDED));
}

TEST_F(MigrationTest, RepeatedRequestsFindWhatTheyMadeBefore) {
  start();
  auto request = job_request(std::string(kUpload) + " succeed 0", kUpload, "succeed");
  Job job;

  ASSERT_TRUE(submit(request, &job).ok());

  EXPECT_EQ(job.job_id(), kQueued);
}

TEST_F(MigrationTest, IsDoneOnceAndForAll) {
  start();
  server_.reset();
  Database journal(options_.spool / "journal.db");
  Statement version(journal, "PRAGMA user_version");
  ASSERT_TRUE(version.step());
  EXPECT_EQ(version.integer(0), kSchemaVersion);
  start();
  EXPECT_EQ(get_job(kFailed).state(), JOB_STATE_FAILED);
}

}  // namespace
}  // namespace chistream::test
