#include <fcntl.h>

#include "server/server_fixture.hpp"
#include "store/file.hpp"

namespace chistream::test {
namespace {

using qsm::v1::ChunkAck;

class UploadTest : public ServerTest {
 protected:
  UploadTest() { start(); }

  // Reads acks until one says what is wanted.
  static bool read_until(ChunkStream& stream, std::function<bool(ChunkAck const&)> const& wanted) {
    for (ChunkAck ack; stream.Read(&ack);)
      if (wanted(ack)) return true;
    return false;
  }
  static bool read_until_durable(ChunkStream& stream, std::uint64_t offset) {
    return read_until(stream, [&](ChunkAck const& ack) { return ack.durable_offset() == offset; });
  }
  static bool read_until_resend(ChunkStream& stream, std::uint64_t offset) {
    return read_until(stream, [&](ChunkAck const& ack) {
      return ack.resend() && ack.durable_offset() == offset;
    });
  }
};

TEST_F(UploadTest, CommitsWhatWasSentAndSaysWhatItIs) {
  std::string const container = make_container(40, 100'000, "vendor", 40);
  std::string const id = create_upload("r", container.size()).upload_id();
  ASSERT_TRUE(write(id, container).ok());
  EXPECT_EQ(get_upload(id).durable_offset(), container.size());

  qsm::v1::InputSummary summary;
  ASSERT_TRUE(commit(id, container, &summary).ok());

  EXPECT_EQ(summary.vendor(), "vendor");
  EXPECT_EQ(summary.bytes(), container.size());
  EXPECT_EQ(summary.sha256(), sha256_of(container));
  EXPECT_EQ(get_upload(id).state(), qsm::v1::UPLOAD_STATE_COMMITTED);
  EXPECT_TRUE(commit(id, container).ok()) << "commit is idempotent";
  EXPECT_EQ(reason(write(id, "more", container.size())), "UPLOAD_NOT_OPEN");
}

TEST_F(UploadTest, CreateIsIdempotentByRequestId) {
  EXPECT_EQ(create_upload("r", 5).upload_id(), create_upload("r", 5).upload_id());

  grpc::ClientContext context;
  qsm::v1::CreateUploadRequest other;
  other.set_request_id("r");
  other.set_declared_bytes(6);
  qsm::v1::Upload upload;
  grpc::Status const status = uploads_->CreateUpload(&context, other, &upload);
  EXPECT_EQ(status.error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(reason(status), "REQUEST_ID_REUSED");
}

TEST_F(UploadTest, DamagedChunkIsAskedForAgainOnTheSameStream) {
  std::string const id = create_upload("r").upload_id();
  grpc::ClientContext context;
  auto const stream = uploads_->WriteChunks(&context);
  auto damaged = chunk(id, 0, "hello");
  damaged.set_crc32c(damaged.crc32c() ^ 1);

  stream->Write(damaged);
  EXPECT_TRUE(read_until_resend(*stream, 0));
  stream->Write(chunk(id, 0, "hello"));
  EXPECT_TRUE(read_until_durable(*stream, 5));

  stream->WritesDone();
  EXPECT_FALSE(read_until_resend(*stream, 5));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(UploadTest, GapIsAskedForAndRepetitionIsSkipped) {
  std::string const id = create_upload("r").upload_id();
  grpc::ClientContext context;
  auto const stream = uploads_->WriteChunks(&context);

  stream->Write(chunk(id, 0, "abc"));
  stream->Write(chunk(id, 4, "e"));
  EXPECT_TRUE(read_until_resend(*stream, 3));
  stream->Write(chunk(id, 1, "bc"));
  stream->Write(chunk(id, 2, "cde"));
  EXPECT_TRUE(read_until_durable(*stream, 5));

  stream->WritesDone();
  EXPECT_FALSE(read_until_resend(*stream, 5));
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_EQ(reason(commit(id, "abcde")), "TRUNCATED_CONTAINER")
      << "the digest matches, so abcde is stored";
}

TEST_F(UploadTest, ResumesFromASecondConnectionWhereTheFirstBroke) {
  std::string const container = make_container(3, 700'000);
  std::string const id = create_upload("r").upload_id();
  grpc::ClientContext context;
  auto const stream = uploads_->WriteChunks(&context);
  stream->Write(chunk(id, 0, container.substr(0, 1'000'000)));
  ASSERT_TRUE(read_until_durable(*stream, 1'000'000));
  context.TryCancel();
  stream->Finish();

  std::uint64_t const offset = get_upload(id).durable_offset();
  ASSERT_EQ(offset, 1'000'000u);
  ASSERT_TRUE(write(id, container.substr(offset), offset).ok());

  EXPECT_TRUE(commit(id, container).ok());
}

TEST_F(UploadTest, SecondWriterTakesOverAndTheFirstIsAborted) {
  std::string const id = create_upload("r").upload_id();
  grpc::ClientContext first_context;
  auto const first = uploads_->WriteChunks(&first_context);
  first->Write(chunk(id, 0, "abc"));
  ASSERT_TRUE(read_until_durable(*first, 3));

  grpc::ClientContext second_context;
  auto const second = uploads_->WriteChunks(&second_context);
  second->Write(chunk(id, 3, "d"));
  ASSERT_TRUE(read_until_durable(*second, 4));
  first->Write(chunk(id, 4, "e"));
  EXPECT_FALSE(read_until_durable(*first, 5));

  grpc::Status const status = first->Finish();
  EXPECT_EQ(status.error_code(), grpc::ABORTED);
  EXPECT_EQ(reason(status), "LEASE_LOST");
  second->WritesDone();
  EXPECT_FALSE(read_until_durable(*second, 5));
  EXPECT_TRUE(second->Finish().ok());
}

TEST_F(UploadTest, SurvivesARestartInTheMiddle) {
  std::string const container = make_container(3, 700'000);
  std::string const id = create_upload("r").upload_id();
  ASSERT_TRUE(write(id, container.substr(0, 1'500'000)).ok());
  server_.reset();
  {  // bytes that were written but never acknowledged
    File file(options_.spool / "uploads" / id, O_RDWR);
    std::string const garbage = "garbage";
    file.write_at(1'500'000, std::as_bytes(std::span(garbage)));
  }

  start();

  std::uint64_t const offset = get_upload(id).durable_offset();
  ASSERT_EQ(offset, 1'500'000u);
  ASSERT_TRUE(write(id, container.substr(offset), offset).ok());
  EXPECT_TRUE(commit(id, container).ok());
}

TEST_F(UploadTest, CommitSurvivesARestart) {
  std::string const container = make_container();
  std::string const id = committed_upload("r");

  restart();

  EXPECT_EQ(get_upload(id).state(), qsm::v1::UPLOAD_STATE_COMMITTED);
  EXPECT_TRUE(commit(id, container).ok());
}

TEST_F(UploadTest, MismatchesAtCommitAreDataLoss) {
  std::string const container = make_container();
  std::string const id = create_upload("r").upload_id();
  ASSERT_TRUE(write(id, container).ok());
  std::string other = container;
  other[30] = static_cast<char>(other[30] ^ 1);

  grpc::Status const length = commit(id, container + "x");
  grpc::Status const digest = commit(id, other);

  EXPECT_EQ(length.error_code(), grpc::DATA_LOSS);
  EXPECT_EQ(reason(length), "LENGTH_MISMATCH");
  EXPECT_EQ(digest.error_code(), grpc::DATA_LOSS);
  EXPECT_EQ(reason(digest), "SHA256_MISMATCH");
  EXPECT_TRUE(commit(id, container).ok()) << "it stayed open";
}

TEST_F(UploadTest, BadContainersAreRefusedByName) {
  std::string damaged = make_container();
  damaged[damaged.size() / 2] ^= 1;
  std::string const whole = make_container();
  struct Case {
    std::string container;
    std::string reason;
  };
  for (Case const& bad :
       {Case{"QSMEXAM2" + whole.substr(8), "BAD_MAGIC"}, Case{damaged, "RECORD_CRC_MISMATCH"},
        Case{whole.substr(0, whole.size() - 1), "TRUNCATED_CONTAINER"},
        Case{make_container(3, 100, "", 4), "COUNT_MISMATCH"},
        Case{make_container(3, 100, "inspect-reject"), "TE_NOT_INCREASING"}}) {
    std::string const id = create_upload(bad.reason).upload_id();
    ASSERT_TRUE(write(id, bad.container).ok());

    grpc::Status const status = commit(id, bad.container);

    EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT) << bad.reason;
    EXPECT_EQ(reason(status), bad.reason);
  }
}

TEST_F(UploadTest, CrashingInspectionLeavesTheUploadOpen) {
  std::string const container = make_container(3, 100, "inspect-crash");
  std::string const id = create_upload("r").upload_id();
  ASSERT_TRUE(write(id, container).ok());

  grpc::Status const status = commit(id, container);

  EXPECT_EQ(status.error_code(), grpc::INTERNAL);
  EXPECT_EQ(reason(status), "INSPECT_FAILED");
  EXPECT_EQ(get_upload(id).state(), qsm::v1::UPLOAD_STATE_OPEN);
}

TEST_F(UploadTest, HangingInspectionEndsAtItsTimeout) {
  options_.inspect_timeout_s = 0.2;
  server_.reset();
  start();
  std::string const container = make_container(3, 100, "inspect-hang");
  std::string const id = create_upload("r").upload_id();
  ASSERT_TRUE(write(id, container).ok());

  EXPECT_EQ(reason(commit(id, container)), "INSPECT_FAILED");
}

TEST_F(UploadTest, MoreThanDeclaredAndTooLargeChunksAreRefused) {
  std::string const id = create_upload("r", 3).upload_id();

  EXPECT_EQ(reason(write(id, "abcd")), "UPLOAD_TOO_LONG");
  grpc::ClientContext context;
  auto const stream = uploads_->WriteChunks(&context);
  stream->Write(chunk(id, 0, std::string(kMaxChunkBytes + 1, 'x')));
  EXPECT_FALSE(read_until_durable(*stream, 1));
  EXPECT_EQ(reason(stream->Finish()), "CHUNK_TOO_LARGE");
}

TEST_F(UploadTest, AbortedUploadIsGone) {
  std::string const id = create_upload("r").upload_id();
  ASSERT_TRUE(write(id, "abc").ok());
  grpc::ClientContext context;
  qsm::v1::UploadRef request;
  request.set_upload_id(id);
  qsm::v1::Upload upload;

  ASSERT_TRUE(uploads_->AbortUpload(&context, request, &upload).ok());

  EXPECT_EQ(upload.state(), qsm::v1::UPLOAD_STATE_ABORTED);
  EXPECT_FALSE(std::filesystem::exists(options_.spool / "uploads" / id));
  EXPECT_EQ(reason(write(id, "abc")), "UPLOAD_NOT_OPEN");
}

TEST_F(UploadTest, FullDiskIsResourceExhaustedAndTheServerGoesOn) {
  std::string const id = create_upload("r").upload_id();
  std::filesystem::create_symlink("/dev/full", options_.spool / "uploads" / id);

  grpc::Status const status = write(id, "abc");

  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(reason(status), "DISK_FULL");
  EXPECT_FALSE(committed_upload("other").empty());
}

TEST_F(UploadTest, AnnouncedBytesThatDoNotFitAreRefused) {
  grpc::ClientContext context;
  qsm::v1::CreateUploadRequest request;
  request.set_request_id("r");
  request.set_declared_bytes(std::uint64_t{1} << 60);
  qsm::v1::Upload upload;

  grpc::Status const status = uploads_->CreateUpload(&context, request, &upload);

  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(reason(status), "DISK_FULL");
}

}  // namespace
}  // namespace chistream::test
