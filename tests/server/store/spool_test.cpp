#include "store/spool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <optional>

#include "container/sha256.hpp"
#include "server/temporary_directory.hpp"
#include "store/request_error.hpp"

namespace chistream::test {
namespace {

namespace fs = std::filesystem;

std::span<std::byte const> bytes_of(std::string const& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class SpoolTest : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::optional<Spool> spool_{std::in_place, directory_.path() / "spool"};
};

TEST_F(SpoolTest, BelongsToOneDaemonAtATime) {
  EXPECT_THROW(Spool(directory_.path() / "spool"), RequestError);

  spool_.reset();

  EXPECT_NO_THROW(Spool(directory_.path() / "spool"));
}

TEST_F(SpoolTest, PublishesEveryArtifactAtOnce) {
  spool_->create_artifact("job", 4, "dicom/0001.dcm").write_at(0, bytes_of("abc"));
  spool_->create_artifact("job", 4, "report.json").write_at(0, bytes_of("{}"));
  EXPECT_THROW(spool_->open_result("job", "report.json"), std::system_error);

  spool_->publish("job", 4);

  EXPECT_EQ(spool_->open_result("job", "dicom/0001.dcm").size(), 3u);
  EXPECT_EQ(spool_->open_result("job", "report.json").size(), 2u);
  EXPECT_FALSE(fs::exists(spool_->root() / "staging" / "job-4"));
}

TEST_F(SpoolTest, WithdrawnResultIsNotVisible) {
  spool_->create_artifact("job", 4, "a");
  spool_->publish("job", 4);

  spool_->withdraw("job", 4);

  EXPECT_THROW(spool_->open_result("job", "a"), std::system_error);
  EXPECT_NO_THROW(spool_->publish("job", 4));
}

TEST_F(SpoolTest, RefusesNamesThatLeadElsewhere) {
  for (char const* name : {"", "/etc/passwd", "../x", "a/../../x", "a//b", ".hidden", "a/.b", "a/",
                           "a b", "a\nb", "\xc3\xa4"})
    EXPECT_THROW(spool_->create_artifact("job", 1, name), RequestError) << name;
  EXPECT_NO_THROW(spool_->create_artifact("job", 1, "a-b_c/0.d/e..f"));
}

TEST_F(SpoolTest, RefusesTheSameArtifactTwice) {
  spool_->create_artifact("job", 1, "a");

  EXPECT_THROW(spool_->create_artifact("job", 1, "a"), RequestError);
  EXPECT_NO_THROW(spool_->create_artifact("job", 2, "a"));
}

TEST_F(SpoolTest, RecoveryKeepsWhatTheJournalVouchesFor) {
  for (char const* id : {"kept", "orphan"}) {
    spool_->open_upload(id).write_at(0, bytes_of("x"));
    spool_->create_artifact(id, 1, "a");
    spool_->publish(id, 1);
    spool_->create_artifact(id, 2, "a");
  }

  spool_->recover({"kept"}, {"kept"});

  EXPECT_TRUE(fs::exists(spool_->upload("kept")));
  EXPECT_FALSE(fs::exists(spool_->upload("orphan")));
  EXPECT_NO_THROW(spool_->open_result("kept", "a"));
  EXPECT_THROW(spool_->open_result("orphan", "a"), std::system_error);
  EXPECT_TRUE(fs::is_empty(spool_->root() / "staging"));
}

TEST_F(SpoolTest, SealedUploadIsReadOnly) {
  spool_->open_upload("u");

  spool_->seal_upload("u");

  EXPECT_EQ(fs::status(spool_->upload("u")).permissions(), fs::perms::owner_read);
}

TEST(File, FullDiskHasItsName) {
  File full("/dev/full", O_WRONLY);

  try {
    full.write_at(0, bytes_of("x"));
    FAIL() << "a write to a full device succeeded";
  } catch (RequestError const& error) {
    EXPECT_EQ(error.code(), grpc::RESOURCE_EXHAUSTED);
    EXPECT_EQ(error.detail().reason(), "DISK_FULL");
    EXPECT_TRUE(error.detail().retryable());
  }
}

TEST(Sha256, MatchesThePublishedDigestAndMayGoOn) {
  qsm::container::Sha256 sha256;
  sha256.update(bytes_of("ab"));
  sha256.hex_digest();
  sha256.update(bytes_of("c"));

  // FIPS 180-2, appendix B.1
  EXPECT_EQ(sha256.hex_digest(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace chistream::test
