#include "formats/growing_file.hpp"

#include <fstream>
#include <thread>

#include "small_exam.hpp"

namespace chistream::test {

namespace {

std::string read(GrowingFile const& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, ' ');
  text.resize(file.read(offset, std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace

TEST(GrowingFile, WaitsForWhatIsNotWrittenYet) {
  TemporaryFolder folder;
  std::promise<std::string> whole;
  GrowingFile const file(folder / "f", whole.get_future().share());
  std::jthread const writer([&] {
    std::ofstream out(folder / "f");
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      out << "abcde" << std::flush;
    }
    out.close();
    whole.set_value("digest");
  });
  EXPECT_EQ(read(file, 0, 7), "abcdeab");
  EXPECT_EQ(read(file, 7, 100), "cdeabcdeabcde");
  EXPECT_EQ(read(file, 20, 1), "");
  EXPECT_EQ(file.sha256(), "digest");
}

TEST(GrowingFile, GivesWhatIsThereThenSaysWhyItIsNeverWhole) {
  TemporaryFolder folder;
  std::promise<std::string> whole;
  GrowingFile const file(folder / "f", whole.get_future().share());
  std::ofstream(folder / "f") << "abc";
  whole.set_exception(std::make_exception_ptr(FormatError("BROKE_OFF", "no more")));
  EXPECT_EQ(read(file, 0, 3), "abc");
  EXPECT_EQ(reason_of([&] { read(file, 0, 4); }), "BROKE_OFF");
  EXPECT_EQ(reason_of([&] { file.sha256(); }), "BROKE_OFF");
}

TEST(GrowingFile, OfAFileThatIsNotThere) {
  TemporaryFolder folder;
  EXPECT_EQ(reason_of([&] { GrowingFile(folder / "no such file", ""); }), "FILE_UNREADABLE");
}

}  // namespace chistream::test
