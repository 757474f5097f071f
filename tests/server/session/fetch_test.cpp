#include "session/fetch.hpp"

#include <fstream>

#include "../formats/small_exam.hpp"
#include "fake_server.hpp"

namespace chistream::test {

namespace {

std::string content(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A result of three instances of one series, one of another, and two files.
struct Results : FakeServer {
  Results() {
    for (int i = 1; i <= 3; ++i)
      files["dicom/000" + std::to_string(i) + ".dcm"] = std::string(5000, static_cast<char>(i));
    files["dicom/r2s/0001.dcm"] = std::string(3000, 'r');
    files["chi.nii.gz"] = std::string(7777, 'c');
    files["report.json"] = "{}";
  }
};

std::string reason(FakeServer& server, std::filesystem::path const& folder) {
  Connection connection = server.connect();
  return reason_of([&] { fetch_results(connection, "job", folder, Wanted::kAll, {}); });
}

}  // namespace

TEST(Fetch, BringsEveryFile) {
  Results server;
  TemporaryFolder folder;
  Connection connection = server.connect();
  auto const fetched = fetch_results(connection, "job", folder / "out", Wanted::kAll, {});
  EXPECT_EQ(fetched.instances, 4u);
  EXPECT_EQ(fetched.files, 6u);
  for (auto const& [name, bytes] : server.files)
    EXPECT_TRUE(content(folder / "out" / name) == bytes) << name;
  // Nothing else is left behind.
  auto const entries = std::distance(std::filesystem::directory_iterator(folder / "out"), {});
  EXPECT_EQ(entries, 3);
}

TEST(Fetch, BringsOnlyWhatIsWanted) {
  Results server;
  TemporaryFolder folder;
  Connection connection = server.connect();
  fetch_results(connection, "job", folder / "a", Wanted::kDicom, {});
  EXPECT_FALSE(std::filesystem::exists(folder / "a/chi.nii.gz"));
  EXPECT_TRUE(std::filesystem::exists(folder / "a/dicom/0001.dcm"));
  fetch_results(connection, "job", folder / "b", Wanted::kNifti, {});
  EXPECT_TRUE(std::filesystem::exists(folder / "b/chi.nii.gz"));
  EXPECT_FALSE(std::filesystem::exists(folder / "b/dicom"));
}

TEST(Fetch, TakesUpTornConnections) {
  Results server;
  server.break_reads = 3;
  TemporaryFolder folder;
  EXPECT_EQ(reason(server, folder.path()), "none");
  for (auto const& [name, bytes] : server.files)
    EXPECT_TRUE(content(folder / name) == bytes) << name;
}

TEST(Fetch, ReplacesAnEarlierSeriesWhole) {
  Results server;
  TemporaryFolder folder;
  std::filesystem::create_directories(folder / "dicom");
  std::filesystem::create_directories(folder / "dicom/mask");
  std::ofstream(folder / "dicom/0099.dcm") << "earlier";
  std::ofstream(folder / "dicom/mask/0099.dcm") << "earlier";
  EXPECT_EQ(reason(server, folder.path()), "none");
  EXPECT_FALSE(std::filesystem::exists(folder / "dicom/0099.dcm"));
  EXPECT_FALSE(std::filesystem::exists(folder / "dicom/mask"));
  EXPECT_TRUE(std::filesystem::exists(folder / "dicom/0001.dcm"));
}

TEST(Fetch, LeavesNothingHalfDone) {
  Results server;
  TemporaryFolder folder;
  auto const nothing = [&] { return !std::filesystem::exists(folder / "dicom"); };
  server.drop_manifest = true;
  EXPECT_EQ(reason(server, folder.path()), "SERIES_INCOMPLETE");
  EXPECT_TRUE(nothing());
  server.drop_manifest = false;
  server.files["../escape"] = "x";
  EXPECT_EQ(reason(server, folder.path()), "BAD_ARTIFACT_NAME");
  EXPECT_FALSE(std::filesystem::exists(folder.path().parent_path() / "escape"));
  server.files.erase("../escape");
  server.damage = true;
  EXPECT_EQ(reason(server, folder.path()), "RESULT_DAMAGED");
  server.damage = false;
  std::ofstream(folder / "dicom/notes.txt") << "mine";
  EXPECT_EQ(reason(server, folder.path()), "OUTPUT_IN_USE");
  EXPECT_TRUE(std::filesystem::exists(folder / "dicom/notes.txt"));
}

}  // namespace chistream::test
