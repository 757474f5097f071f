#include "formats/bids.hpp"

#include <cmath>
#include <fstream>

#include "formats/nifti.hpp"
#include "small_exam.hpp"

namespace chistream::test {

namespace {

void add_echo(std::filesystem::path const& folder, std::string const& stem, int echo) {
  std::filesystem::create_directories(folder);
  std::vector<float> const volume(7 * 5 * 6, 1);
  for (std::string const part : {"mag", "phase"}) {
    auto const base = stem + "_echo-" + std::to_string(echo) + "_part-" + part + "_MEGRE";
    write_nifti(folder / (base + ".nii.gz"), kspace_header().geometry(), std::span(volume));
    std::ofstream(folder / (base + ".json"))
        << R"({"EchoTime": )" << 0.004 * echo
        << R"(, "MagneticFieldStrength": 3, "ImagingFrequency": 127.7, "Units": "rad",)"
        << R"( "B0_dir": [0, 0.6, 0.8]})";
  }
}

}  // namespace

TEST(Bids, FindsTheSeries) {
  TemporaryFolder folder;
  for (int const echo : {2, 10, 1}) add_echo(folder / "sub-1/anat", "sub-1", echo);
  auto const files = find_bids_series(folder.path());
  ASSERT_EQ(files.phase.size(), 3u);
  EXPECT_EQ(files.te_s, (std::vector{0.004, 0.008, 0.04}));  // by number, not by name
  EXPECT_EQ(files.magnitude[2].filename(), "sub-1_echo-10_part-mag_MEGRE.nii.gz");
  EXPECT_EQ(files.b0_t, 3);
  EXPECT_DOUBLE_EQ(files.frequency_hz, 127.7e6);
  EXPECT_EQ(files.phase_units, PhaseUnits::kRadians);
  EXPECT_EQ((*files.b0_direction)[1], 0.6);
}

TEST(Bids, RefusesByName) {
  TemporaryFolder folder;
  auto const why = [&] { return reason_of([&] { find_bids_series(folder.path()); }); };
  EXPECT_EQ(why(), "BIDS_NO_SERIES");
  add_echo(folder.path(), "sub-1", 1);
  EXPECT_EQ(why(), "none");
  std::filesystem::remove(folder / "sub-1_echo-1_part-mag_MEGRE.nii.gz");
  EXPECT_EQ(why(), "MISSING_MAGNITUDE");
  add_echo(folder.path(), "sub-1", 1);
  std::ofstream(folder / "sub-1_echo-1_part-phase_MEGRE.json") << "{";
  EXPECT_EQ(why(), "BIDS_SIDECAR");
  add_echo(folder.path(), "sub-1", 1);
  add_echo(folder.path(), "sub-2", 1);
  EXPECT_EQ(why(), "BIDS_AMBIGUOUS");
}

}  // namespace chistream::test
