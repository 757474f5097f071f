#include "session/exam_cache.hpp"

#include <fstream>

#include "../formats/small_exam.hpp"
#include "container/sha256.hpp"
#include "formats/ismrmrd/ismrmrd_writer.hpp"

namespace chistream::test {

namespace {

void write_scan(std::filesystem::path const& path, float factor = 1) {
  IsmrmrdWriter out(path, kspace_header());
  for_each_line(kspace_header(), [&](qsm::container::AcquisitionHead head) {
    auto samples = line_samples(head);
    for (auto& sample : samples) sample *= factor;
    out.acquisition(head, samples);
  });
  out.finish();
}

std::size_t files_in(std::filesystem::path const& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST(ExamCache, ConvertsOnceAndForgetsWhenTold) {
  TemporaryFolder folder;
  write_scan(folder / "scan.h5");
  ExamSource const source{folder / "scan.h5", {}, {}};
  Exam const exam = prepare_exam(source, folder / "cache");
  auto const bytes = MappedFile(exam.path).bytes().size();
  EXPECT_EQ(exam.bytes, bytes);
  EXPECT_EQ(exam.sha256, qsm::container::sha256_hex(MappedFile(exam.path).bytes()));
  EXPECT_EQ(exam.summary.echoes(), 3u);
  auto const made = std::filesystem::last_write_time(exam.path);
  EXPECT_EQ(prepare_exam(source, folder / "cache").path, exam.path);
  EXPECT_EQ(std::filesystem::last_write_time(exam.path), made);
  discard(exam);
  EXPECT_EQ(files_in(folder / "cache"), 0u);
  EXPECT_EQ(prepare_exam(source, folder / "cache").sha256, exam.sha256);
}

TEST(ExamCache, AnotherInputIsAnotherExam) {
  TemporaryFolder folder;
  write_scan(folder / "scan.h5");
  ExamSource const source{folder / "scan.h5", {}, {}};
  auto const first = prepare_exam(source, folder / "cache").sha256;
  write_scan(folder / "scan.h5", 2);
  EXPECT_NE(prepare_exam(source, folder / "cache").sha256, first);
}

TEST(ExamCache, TheSameInputReadInAnotherWayIsAnotherExam) {
  TemporaryFolder folder;
  write_scan(folder / "scan.h5");
  ExamSource source{folder / "scan.h5", {}, {}};
  auto const first = prepare_exam(source, folder / "cache").path;
  source.noise.whiten = false;
  EXPECT_NE(prepare_exam(source, folder / "cache").path, first);
}

TEST(ExamCache, BeginsAgainAfterAnInterruptedConversion) {
  TemporaryFolder folder;
  write_scan(folder / "scan.h5");
  ExamSource const source{folder / "scan.h5", {}, {}};
  Exam const exam = prepare_exam(source, folder / "cache");
  auto const partial = exam.path.stem().string().substr(0, 32) + ".partial";
  discard(exam);
  std::ofstream(folder / "cache" / partial) << std::string(100'000, 'x');
  EXPECT_EQ(prepare_exam(source, folder / "cache").sha256, exam.sha256);
  EXPECT_EQ(files_in(folder / "cache"), 1u);
}

TEST(ExamCache, KeepsNothingOfWhatIsRefused) {
  TemporaryFolder folder;
  write_scan(folder / "scan.h5", 0);
  ExamSource const source{folder / "scan.h5", {}, {}};
  EXPECT_EQ(reason_of([&] { prepare_exam(source, folder / "cache"); }), "ALL_ZERO_SAMPLES");
  EXPECT_EQ(files_in(folder / "cache"), 0u);
  EXPECT_EQ(reason_of([&] {
              prepare_exam({folder / "no.h5", {}, {}}, folder / "cache");
            }),
            "FILE_UNREADABLE");
}

TEST(ExamCache, UsesAContainerWhereItLies) {
  TemporaryFolder folder;
  save(folder / "exam.qsmexam", whole_kspace());
  Exam const exam = prepare_exam({folder / "exam.qsmexam", {}, {}}, folder / "cache");
  EXPECT_EQ(exam.path, folder / "exam.qsmexam");
  discard(exam);
  EXPECT_TRUE(std::filesystem::exists(exam.path));
}

}  // namespace chistream::test
