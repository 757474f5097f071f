#include <cstring>

#include "formats/exam_source.hpp"
#include "small_exam.hpp"

namespace chistream::test {

using namespace qsm::container;

TEST(Container, GivesBackEveryLine) {
  TemporaryFolder folder;
  auto const header = kspace_header();
  ContainerReader const exam = saved(folder, whole_kspace(header));
  EXPECT_EQ(exam.header().SerializeAsString(), header.SerializeAsString());
  ASSERT_EQ(exam.acquisitions().size(), 3u * 5 * 6);
  std::size_t i = 0;
  for_each_line(header, [&](AcquisitionHead head) {
    auto const& record = exam.acquisitions()[i++];
    EXPECT_EQ(std::memcmp(&record.head, &head, sizeof(head)), 0);
    std::vector<std::complex<float>> samples(2 * 7);
    exam.read(record, samples);
    EXPECT_EQ(samples, line_samples(head));
  });
}

TEST(Container, IsWhatTheDaemonAccepts) {
  auto const bytes = whole_kspace();
  FramingChecker checker;
  for (std::size_t at = 0; at < bytes.size(); at += 13)
    checker.consume(std::span(bytes).subspan(at, std::min<std::size_t>(13, bytes.size() - at)));
  checker.finish();
  EXPECT_EQ(checker.acquisitions(), 90u);
}

TEST(Container, TheSameExamHasTheSameBytes) {
  TemporaryFolder folder;
  auto const bytes = whole_kspace();
  save(folder / "a.qsmexam", bytes);
  std::vector<std::byte> copy;
  ContainerWriter out(
      [&](std::span<std::byte const> b) { copy.insert(copy.end(), b.begin(), b.end()); });
  write_exam({folder / "a.qsmexam", {}, {}}, out);
  EXPECT_EQ(copy, bytes);
}

TEST(Container, RefusesARecordThatIsNotAsItsHeadSays) {
  ContainerWriter out([](std::span<std::byte const>) {});
  std::vector<std::complex<float>> const samples(13);
  EXPECT_THROW(out.acquisition({0, 0, 0, 2, 7, 0}, samples), std::logic_error);
}

/// Cut anywhere, a container is refused, never read past its end.
TEST(Container, EveryTruncationIsRefused) {
  TemporaryFolder folder;
  auto header = kspace_header();
  header.clear_te_s();
  header.add_te_s(0.004);
  auto const bytes = whole_kspace(header);
  for (std::size_t n = 0; n < bytes.size(); n += n < 400 ? 1 : 37) {
    auto const cut = std::vector(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    std::string const reason = reason_of([&] { saved(folder, cut); });
    EXPECT_EQ(reason, n < 8 ? "BAD_MAGIC" : "TRUNCATED_CONTAINER") << n;
  }
}

TEST(Container, NamesWhatIsWrongWithItsRecords) {
  TemporaryFolder folder;
  auto const with = [&](auto change) {
    auto bytes = whole_kspace();
    change(bytes);
    return reason_of([&] { saved(folder, bytes); });
  };
  RecordHead head;
  auto const bytes = whole_kspace();
  std::memcpy(&head, bytes.data() + 8, sizeof(head));
  std::size_t const line = 8 + sizeof(head) + head.length;  // the first acquisition's record head
  auto const put = [](std::vector<std::byte>& to, std::size_t at, auto value) {
    std::memcpy(to.data() + at, &value, sizeof(value));
  };
  EXPECT_EQ(with([&](auto& b) { put(b, 8, std::uint32_t{3}); }), "MISSING_HEADER");
  EXPECT_EQ(with([&](auto& b) { put(b, 8, std::uint32_t{9}); }), "BAD_RECORD_TYPE");
  EXPECT_EQ(with([&](auto& b) { put(b, line, std::uint32_t{1}); }), "DUPLICATE_HEADER");
  EXPECT_EQ(with([&](auto& b) { put(b, line + 8, UINT64_MAX); }), "RECORD_TOO_LARGE");
  EXPECT_EQ(with([&](auto& b) { put(b, line + 8, std::uint64_t{1} << 33); }),
            "TRUNCATED_CONTAINER");
  EXPECT_EQ(with([&](auto& b) { put(b, line + 8, std::uint64_t{3}); }), "BAD_RECORD");
  EXPECT_EQ(with([&](auto& b) { put(b, line + 16 + 16, std::uint32_t{8}); }), "SAMPLES_MISMATCH");
  EXPECT_EQ(with([&](auto& b) { put(b, line + 16 + 12, UINT32_MAX); }), "SAMPLES_MISMATCH");
  EXPECT_EQ(with([&](auto& b) { b.push_back({}); }), "RECORD_AFTER_END");
  auto const spoil_header = [&](auto& b) { put(b, 24, std::uint32_t{0xffffffff}); };
  EXPECT_EQ(with(spoil_header), "RECORD_CRC_MISMATCH");
  EXPECT_EQ(with([&](auto& b) {
              spoil_header(b);
              put(b, 12, qsm::container::crc32c(std::span(b).subspan(24, head.length)));
            }),
            "BAD_HEADER");
  auto header = kspace_header();
  header.set_format_version(2);
  EXPECT_EQ(reason_of([&] { saved(folder, whole_kspace(header)); }), "UNSUPPORTED_VERSION");
  EXPECT_EQ(reason_of([] { ContainerReader("/no/such/file"); }), "FILE_UNREADABLE");
  EXPECT_EQ(reason_of([&] { ContainerReader reader(folder.path()); }), "FILE_UNREADABLE");
}

}  // namespace chistream::test
