#include "session/upload.hpp"

#include <fstream>
#include <thread>

#include "../formats/small_exam.hpp"
#include "container/sha256.hpp"
#include "fake_server.hpp"

namespace chistream::test {

namespace {

/// Any bytes do: the client looks into an exam before it sends it, not while.
struct FileToSend {
  TemporaryFolder folder;
  std::string content;
  Exam exam;

  explicit FileToSend(std::size_t bytes) {
    for (std::size_t i = 0; content.size() < bytes; ++i) content += std::to_string(i);
    content.resize(bytes);
    exam.path = folder / "exam.qsmexam";
    auto const span = std::as_bytes(std::span(content));
    save(exam.path, {span.begin(), span.end()});
    exam.bytes = bytes;
    exam.sha256 = qsm::container::sha256_hex(content);
  }
};

constexpr std::size_t kSize = (9u << 20) + 12345;

}  // namespace

TEST(Upload, ArrivesWithinTheCredit) {
  FakeServer server;
  FileToSend file(kSize);
  Connection connection = server.connect();
  std::uint64_t last = 0;
  UploadWatch watch;
  watch.progress = [&](UploadProgress p) { last = p.durable; };
  auto const uploaded = upload_exam(connection, file.exam, watch);
  EXPECT_EQ(uploaded.upload_id, "the-upload");
  EXPECT_TRUE(server.stored == file.content);
  EXPECT_EQ(last, kSize);
  EXPECT_LE(server.most_outstanding, server.credit);
}

TEST(Upload, GoesOnWithACreditBelowAChunk) {
  FakeServer server;
  server.credit = 1000;
  FileToSend file(20'000);
  Connection connection = server.connect();
  upload_exam(connection, file.exam, {});
  EXPECT_TRUE(server.stored == file.content);
}

TEST(Upload, SendsAgainWhatIsAskedFor) {
  FakeServer server;
  server.ask_again_once = true;
  FileToSend file(kSize);
  Connection connection = server.connect();
  upload_exam(connection, file.exam, {});
  EXPECT_TRUE(server.stored == file.content);
}

TEST(Upload, TakesUpATornConnectionAtTheDurableOffset) {
  FakeServer server;
  server.break_after = 4u << 20;
  FileToSend file(kSize);
  Connection connection = server.connect();
  std::uint64_t resumed = 0;
  UploadWatch watch;
  watch.resuming = [&](std::uint64_t offset) { resumed = offset; };
  upload_exam(connection, file.exam, watch);
  EXPECT_GE(resumed, 4u << 20);
  EXPECT_TRUE(server.stored == file.content);
  EXPECT_EQ(server.uploads_opened, 1);
}

TEST(Upload, AnotherProcessFindsTheSameUpload) {
  FakeServer server;
  server.break_after = 4u << 20;
  FileToSend file(kSize);
  Connection first = server.connect();
  UploadWatch hasty;
  hasty.patience = no_patience();
  EXPECT_THROW(upload_exam(first, file.exam, hasty), RpcError);
  Connection second = server.connect();
  std::uint64_t resumed = 0;
  UploadWatch watch;
  watch.resuming = [&](std::uint64_t offset) { resumed = offset; };
  upload_exam(second, file.exam, watch);
  EXPECT_GE(resumed, 4u << 20);
  EXPECT_TRUE(server.stored == file.content);
}

TEST(Upload, IsSentOnceMoreWhenItsBytesWereDamaged) {
  FakeServer server;
  server.damaged_commits = 1;
  FileToSend file(5000);
  Connection connection = server.connect();
  upload_exam(connection, file.exam, {});
  EXPECT_EQ(server.uploads_opened, 2);
  EXPECT_TRUE(server.stored == file.content);
  server.damaged_commits = 2;
  EXPECT_THROW(upload_exam(connection, file.exam, {}), RpcError);
}

TEST(Upload, IsAbortedWhenRefused) {
  FakeServer server;
  qsm::v1::ErrorDetail detail;
  detail.set_reason("NON_FINITE_SAMPLES");
  server.commit_status = {grpc::INVALID_ARGUMENT, "3 values", detail.SerializeAsString()};
  FileToSend file(5000);
  Connection connection = server.connect();
  try {
    upload_exam(connection, file.exam, {});
    FAIL();
  } catch (RpcError const& error) {
    EXPECT_EQ(error.detail().reason(), "NON_FINITE_SAMPLES");
  }
  EXPECT_EQ(server.aborted, 1);
}

TEST(Upload, SaysAtOnceWhenNobodyAnswers) {
  Connection nobody("127.0.0.1:1");
  FileToSend file(10);
  UploadWatch watch;
  watch.patience = no_patience();
  try {
    upload_exam(nobody, file.exam, watch);
    FAIL();
  } catch (RpcError const& error) {
    EXPECT_TRUE(error.no_answer());
    EXPECT_FALSE(error.detail().hint().empty());
  }
}

TEST(Upload, FollowsAnExamThatIsStillBeingMade) {
  FakeServer server;
  server.break_after = 3u << 20;
  FileToSend file(kSize);
  std::promise<std::string> whole;
  GrowingFile const growing(file.folder / "growing", whole.get_future().share());
  std::jthread const maker([&] {
    std::ofstream out(file.folder / "growing", std::ios::binary);
    for (std::size_t at = 0; at < kSize; at += 1u << 20) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      out << file.content.substr(at, 1u << 20) << std::flush;
    }
    out.close();
    whole.set_value(file.exam.sha256);
  });
  Connection connection = server.connect();
  EXPECT_EQ(upload_growing_exam(connection, "scan", growing, {}).upload_id, "the-upload");
  EXPECT_TRUE(server.stored == file.content);
}

TEST(Upload, OfAnExamThatCannotBeMade) {
  FakeServer server;
  FileToSend file(kSize);
  Connection connection = server.connect();
  auto const fail_after = [&](std::size_t bytes) {
    std::filesystem::remove(file.folder / "growing");
    std::promise<std::string> whole;
    GrowingFile const growing(file.folder / "growing", whole.get_future().share());
    std::ofstream(file.folder / "growing", std::ios::binary) << file.content.substr(0, bytes);
    whole.set_exception(std::make_exception_ptr(FormatError("BROKE_OFF", "no more")));
    return reason_of([&] { upload_growing_exam(connection, "scan", growing, {}); });
  };
  EXPECT_EQ(fail_after(0), "BROKE_OFF");
  EXPECT_EQ(server.uploads_opened, 0);  // nothing was asked for
  EXPECT_EQ(fail_after(kSize - 1), "BROKE_OFF");
  EXPECT_EQ(server.aborted, 1);
}

}  // namespace chistream::test
