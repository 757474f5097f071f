#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "formats/dicom/assembly.hpp"
#include "formats/dicom/plane.hpp"
#include "formats/dicom/vendor.hpp"
#include "small_exam.hpp"

namespace chistream::dicom::test {

using chistream::test::reason_of;

namespace {

constexpr int kEchoes = 3, kSlices = 5;
constexpr double kTe[] = {0.004, 0.010, 0.016};

SourceFile image(qsm::v1::ImagePart part, int echo, int slice, std::uint32_t series) {
  SourceFile file;
  auto& facts = file.facts;
  std::string const uid =
      "1.2." + std::to_string(series) + "." + std::to_string(echo) + "." + std::to_string(slice);
  facts.set_sop_instance_uid(uid);
  facts.set_content_sha256(uid);
  facts.set_series_instance_uid("1.2." + std::to_string(series));
  facts.set_series_number(series);
  facts.set_vendor("siemens");
  facts.set_rows(8);
  facts.set_columns(9);
  facts.set_orientation("1\\0\\0\\0\\1\\0");
  facts.set_row_spacing_mm(2);
  facts.set_column_spacing_mm(2);
  facts.set_slice_thickness_mm(3);
  facts.mutable_identity()->set_study_instance_uid("1.1");
  facts.mutable_identity()->set_frame_of_reference_uid("1.9");
  facts.mutable_identity()->set_patient_id("P");
  auto& frame = *facts.add_frames();
  frame.set_part(part);
  frame.set_te_s(kTe[echo]);
  frame.set_echo_number(static_cast<std::uint32_t>(echo + 1));
  frame.set_position("-10\\-20\\" + std::to_string(3 * slice));
  return file;
}

/// Magnitude in one series, phase in the next.
std::vector<SourceFile> scan(std::uint32_t series = 6) {
  std::vector<SourceFile> files;
  for (int echo = 0; echo < kEchoes; ++echo)
    for (int slice = 0; slice < kSlices; ++slice) {
      files.push_back(image(qsm::v1::IMAGE_PART_MAGNITUDE, echo, slice, series));
      files.push_back(image(qsm::v1::IMAGE_PART_PHASE, echo, slice, series + 1));
    }
  return files;
}

void remove(std::vector<SourceFile>& files, std::string const& uid) {
  std::erase_if(files, [&](auto const& file) { return file.facts.sop_instance_uid() == uid; });
}

std::string refusal_of(std::vector<SourceFile> const& files) {
  auto const exams = sort_into_exams(files);
  return exams.size() == 1 && exams[0].refusal ? exams[0].refusal->reason : "none";
}

}  // namespace

TEST(DicomAssembly, OrderDoesNotMatter) {
  auto files = scan();
  std::shuffle(files.begin(), files.end(), std::mt19937(3));
  auto const exams = sort_into_exams(files);
  ASSERT_EQ(exams.size(), 1u);
  EXPECT_TRUE(exams[0].ready());
  EXPECT_FALSE(exams[0].counted);
  EXPECT_EQ(exams[0].images.te_s().size(), 3u);
  ASSERT_EQ(exams[0].images.slices(), 5u);
  EXPECT_DOUBLE_EQ(exams[0].images.slice_spacing_mm(), 3);
  auto const ref = *exams[0].images.at(2, 4, 1);
  EXPECT_EQ(exams[0].files[ref.file].facts.sop_instance_uid(), "1.2.7.2.4");
}

TEST(DicomAssembly, NamesWhatIsMissing) {
  auto files = scan();
  remove(files, "1.2.7.1.2");
  remove(files, "1.2.7.1.3");
  for (int slice = 0; slice < kSlices; ++slice) remove(files, "1.2.6.2." + std::to_string(slice));
  auto const exams = sort_into_exams(files);
  ASSERT_EQ(exams.size(), 1u);
  EXPECT_EQ(exams[0].missing, (std::vector<std::string>{"magnitude, echo 3 (16 ms): all slices",
                                                        "phase, echo 2 (10 ms): slices 3, 4"}));
}

TEST(DicomAssembly, OnePartAloneIsNotReady) {
  for (auto const part : {qsm::v1::IMAGE_PART_MAGNITUDE, qsm::v1::IMAGE_PART_PHASE,
                          qsm::v1::IMAGE_PART_REAL, qsm::v1::IMAGE_PART_IMAGINARY}) {
    auto const exams = sort_into_exams(std::vector{image(part, 0, 0, 6), image(part, 0, 1, 6)});
    ASSERT_EQ(exams.size(), 1u);
    EXPECT_FALSE(exams[0].ready());
    EXPECT_EQ(exams[0].missing.size(), 1u);
  }
}

TEST(DicomAssembly, CountsByWhatTheScannerSays) {
  auto files = scan();
  for (auto& file : files) {
    file.facts.set_declared_echoes(3);
    file.facts.set_declared_slices(6);
  }
  auto const exams = sort_into_exams(files);
  EXPECT_TRUE(exams[0].counted);
  EXPECT_EQ(exams[0].missing, (std::vector<std::string>{"1 of 6 slices"}));
}

TEST(DicomAssembly, AGapIsAMissingSlice) {
  auto files = scan();
  std::erase_if(files,
                [](auto const& file) { return file.facts.frames(0).position().ends_with("\\6"); });
  auto const exams = sort_into_exams(files);
  EXPECT_EQ(exams[0].images.slices(), 5u);
  EXPECT_EQ(exams[0].missing.size(), 6u);
}

TEST(DicomAssembly, TwoScansOfOneProtocolStayApart) {
  auto files = scan(6);
  auto const second = scan(8);
  files.insert(files.end(), second.begin(), second.end());
  auto const exams = sort_into_exams(files);
  ASSERT_EQ(exams.size(), 2u);
  for (auto const& exam : exams) {
    EXPECT_TRUE(exam.ready());
    EXPECT_EQ(exam.files.size(), 30u);
  }
}

TEST(DicomAssembly, HalvesOfTwoScansNeverMeet) {
  std::vector<SourceFile> files;
  for (auto& file : scan(6)) {  // magnitude of one scan, phase of another, two minutes later
    bool const phase = file.facts.series_number() == 7;
    file.facts.mutable_identity()->set_acquisition_date("20260102");
    file.facts.mutable_identity()->set_acquisition_time(phase ? "101312.5" : "101112.250000");
    files.push_back(file);
  }
  auto exams = sort_into_exams(files);
  ASSERT_EQ(exams.size(), 2u);
  EXPECT_FALSE(exams[0].ready() || exams[1].ready());
  for (auto& file : files) file.facts.mutable_identity()->set_acquisition_time("101112.25");
  exams = sort_into_exams(files);
  ASSERT_EQ(exams.size(), 1u);
  EXPECT_TRUE(exams[0].ready());
}

TEST(DicomAssembly, RefusesByName) {
  EXPECT_EQ(refusal_of(scan()), "none");

  auto mixed = scan();
  mixed.back().facts.mutable_identity()->set_patient_id("Q");
  EXPECT_EQ(refusal_of(mixed), "MIXED_PATIENTS");

  auto filtered = scan();
  filtered.back().facts.set_filtered(true);
  EXPECT_EQ(refusal_of(filtered), "FILTERED_PHASE");

  auto repeated = scan();
  auto again = repeated.front();
  again.facts.set_sop_instance_uid("1.2.6.9");
  repeated.push_back(again);
  EXPECT_EQ(refusal_of(repeated), "DUPLICATE_IMAGES");

  auto equal = scan();
  for (auto& file : equal) file.facts.mutable_frames(0)->set_te_s(0.004);
  EXPECT_EQ(refusal_of(equal), "ECHO_TIMES_EQUAL");

  auto uneven = scan();
  for (auto& file : uneven)
    if (file.facts.frames(0).position().ends_with("\\6"))
      file.facts.mutable_frames(0)->set_position("-10\\-20\\7.3");
  EXPECT_EQ(refusal_of(uneven), "SLICES_IRREGULAR");

  auto corrected = scan();
  for (auto& file : corrected)
    if (file.facts.series_number() == 7) file.facts.set_distortion_corrected(true);
  EXPECT_EQ(refusal_of(corrected), "DISTORTION_MISMATCH");
}

TEST(DicomAssembly, LeavesOutWhatIsOfNoUse) {
  auto files = scan();
  auto localiser = image(qsm::v1::IMAGE_PART_UNSPECIFIED, 0, 0, 1);
  files.push_back(localiser);
  auto const exams = sort_into_exams(files);
  ASSERT_EQ(exams.size(), 1u);
  EXPECT_EQ(exams[0].files.size(), 30u);
}

TEST(DicomVendor, ScalesPhaseByTagsAlone) {
  constexpr double kPi = 3.14159265358979323846;
  auto const at = [](LinearScale s, double stored) { return s.scale * stored + s.offset; };
  auto const siemens = phase_scale(Vendor::kSiemens, {.bits = 12});
  EXPECT_NEAR(at(siemens, 0), -kPi, 1e-12);
  EXPECT_NEAR(at(siemens, 2048), 0, 1e-12);
  auto const rescaled =
      phase_scale(Vendor::kSiemens, {.bits = 12, .slope = 2, .intercept = -4096, .rescaled = true});
  EXPECT_NEAR(at(rescaled, 2048), 0, 1e-12);
  EXPECT_NEAR(at(rescaled, 4096), kPi, 1e-12);
  EXPECT_NEAR(at(phase_scale(Vendor::kGe, {.bits = 16, .is_signed = true}), 3142), 3.142, 1e-9);
  auto const philips = phase_scale(
      Vendor::kPhilips, {.bits = 12, .slope = 1.5346, .intercept = -3142, .rescaled = true});
  EXPECT_NEAR(at(philips, 4095), 3.1422, 1e-3);
  auto const radians = phase_scale(
      Vendor::kPhilips, {.bits = 12, .slope = 2 * kPi / 4095, .intercept = -kPi, .rescaled = true});
  EXPECT_NEAR(at(radians, 4095), kPi, 1e-9);
  EXPECT_EQ(reason_of([] {
              phase_scale(Vendor::kPhilips,
                          {.bits = 12, .slope = 1, .intercept = 0, .rescaled = true});
            }),
            "PHASE_UNITS_UNKNOWN");
  EXPECT_EQ(reason_of([] { phase_scale(Vendor::kOther, {.bits = 12}); }), "PHASE_UNITS_UNKNOWN");
}

TEST(DicomPlane, RefusesWhatIsNoPlace) {
  for (auto const* text : {"", "1\\2", "1\\2\\x", "1\\2\\nan", "1\\2\\1e9", "1\\2\\3\\4"})
    EXPECT_EQ(reason_of([&] { position_of(text); }), "DICOM_VALUE_INVALID") << text;
  EXPECT_EQ(reason_of([] { orientation_of("1\\0\\0\\0.5\\1\\0"); }), "DIRECTIONS_NOT_ORTHONORMAL");
  EXPECT_EQ(position_of("+1.5\\ -2 \\3e1")[2], 30);
}

}  // namespace chistream::dicom::test
