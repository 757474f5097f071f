#include "worker/dicom_series.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "device/error.hpp"
#include "formats/series_kind.hpp"
#include "server/worker/dicom_files.hpp"
#include "worker/dicom_geometry.hpp"

namespace chistream::test {
namespace {

std::vector<float> asymmetric_map(std::size_t voxels) {
  std::vector<float> chi(voxels);
  for (std::size_t n = 0; n < voxels; ++n)
    chi[n] = static_cast<float>(std::sin(0.37 * static_cast<double>(n)) * 1.7 + 0.0004);
  return chi;
}

struct Orientation {
  char const* name;
  std::array<double, 3> x, y, z;
};

constexpr double kC = 0.8660254037844386, kS = 0.5;
Orientation const kOrientations[] = {
    {"Axial", {1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {"Sagittal", {0, 1, 0}, {0, 0, -1}, {-1, 0, 0}},
    {"Oblique", {kC, kS, 0}, {-kS * kC, kC* kC, kS}, {kS * kS, -kC* kS, kC}},
    {"LeftHanded", {1, 0, 0}, {0, 1, 0}, {0, 0, -1}},
    {"LeftHandedOblique", {kC, kS, 0}, {-kS * kC, kC* kC, kS}, {-kS * kS, kC* kS, -kC}},
};

class EveryOrientation : public testing::TestWithParam<Orientation> {};

TEST_P(EveryOrientation, PutsEveryVoxelWhereTheGeometrySays) {
  auto const& [name, x, y, z] = GetParam();
  auto const chi = asymmetric_map(7 * 5 * 6);
  auto const series = series_of(odd_geometry(x, y, z));
  auto const instances = write_all(series, chi);
  ASSERT_EQ(instances.size(), 6u);
  PlacedValues const found = placed(instances);
  ASSERT_EQ(found.size(), chi.size());
  auto const& origin = series.exam.geometry().origin_lps_mm();
  std::array<double, 3> const start{origin.x(), origin.y(), origin.z()};
  double worst = 0;
  for (int k = 0; k < 6; ++k)
    for (int j = 0; j < 5; ++j)
      for (int i = 0; i < 7; ++i) {
        std::array<long long, 3> where;
        for (std::size_t a = 0; a < 3; ++a)
          where[a] =
              std::llround(1e3 * (start[a] + 0.9 * i * x[a] + 1.1 * j * y[a] + 1.7 * k * z[a]));
        ASSERT_TRUE(found.contains(where)) << "voxel " << i << ' ' << j << ' ' << k;
        auto const voxel = static_cast<std::size_t>(i + 7 * (j + 5 * k));
        worst = std::max(worst, std::abs(found.at(where) - 1e3 * static_cast<double>(chi[voxel])));
      }
  EXPECT_LE(worst, 0.5) << "ppb";
}

TEST_P(EveryOrientation, OrdersImagesAlongTheNormal) {
  auto const& [name, x, y, z] = GetParam();
  auto const instances = write_all(series_of(odd_geometry(x, y, z)), asymmetric_map(210));
  std::array<double, 3> const normal{x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2],
                                     x[0] * y[1] - x[1] * y[0]};
  double last = -1e9;
  for (auto const& instance : instances) {
    double p[3];
    ASSERT_EQ(std::sscanf(attribute(instance, "ImagePositionPatient").c_str(), "%lf\\%lf\\%lf", p,
                          p + 1, p + 2),
              3);
    double const along = p[0] * normal[0] + p[1] * normal[1] + p[2] * normal[2];
    EXPECT_GT(along, last);
    last = along;
  }
}

TEST_P(EveryOrientation, PassesDciodvfyAndDcentvfy) {
  auto const& [name, x, y, z] = GetParam();
  SeriesFolder const folder(write_all(series_of(odd_geometry(x, y, z)), asymmetric_map(210)));
  for (auto const& file : folder.files()) {
    auto const said = output_of(DCIODVFY " -new '" + file.string() + "'");
    EXPECT_EQ(said.find("Error"), std::string::npos) << said;
    EXPECT_NE(said.find("MRImage"), std::string::npos) << said;
  }
  EXPECT_EQ(output_of(DCENTVFY + folder.quoted_files()), "");
}

INSTANTIATE_TEST_SUITE_P(Dicom, EveryOrientation, testing::ValuesIn(kOrientations),
                         [](auto const& one) { return std::string(one.param.name); });

qsm::v1::Geometry axial() {
  return odd_geometry({1, 0, 0}, {0, 1, 0}, {0, 0, 1});
}

TEST(DicomSeries, PassesTheValidatorsWithAnEmptyIdentity) {
  auto series = series_of(axial());
  series.exam.clear_identity();
  series.exam.clear_tr_s();
  series.exam.clear_flip_angle_deg();
  series.exam.clear_frequency_hz();
  SeriesFolder const folder(write_all(series, asymmetric_map(210)));
  auto const said = output_of(DCIODVFY " -new '" + folder.files().front().string() + "'");
  EXPECT_EQ(said.find("Error"), std::string::npos) << said;
  EXPECT_EQ(output_of(DCENTVFY + folder.quoted_files()), "");
}

TEST(DicomSeries, IsTheSameForTheSameJob) {
  auto const first = write_all(series_of(axial()), asymmetric_map(210));
  auto const second = write_all(series_of(axial()), asymmetric_map(210));
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].bytes, second[i].bytes);
}

std::set<std::string> uids(SeriesDescription const& series) {
  std::set<std::string> all;
  for (auto const& instance : write_all(series, asymmetric_map(210)))
    for (char const* name :
         {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"})
      all.insert(attribute(instance, name));
  return all;
}

TEST(DicomSeries, SharesNoUidBetweenPatients) {
  auto series = series_of(axial());
  auto all = uids(series);
  EXPECT_EQ(all.size(), 3u + 6u);
  for (auto const& uid : all) {
    EXPECT_LE(uid.size(), 64u);
    EXPECT_EQ(uid.rfind("2.25.", 0), 0u);
  }
  series.exam.mutable_identity()->set_patient_id("P-2");
  all.merge(uids(series));
  EXPECT_EQ(all.size(), 2u * (3u + 6u));
}

TEST(DicomSeries, KeepsStudyButNotSeriesForOtherParameters) {
  auto series = series_of(axial());
  auto const first = write_all(series, asymmetric_map(210)).front();
  series.provenance.parameters_sha256 = std::string(64, 'c');
  auto const second = write_all(series, asymmetric_map(210)).front();
  EXPECT_EQ(attribute(first, "StudyInstanceUID"), attribute(second, "StudyInstanceUID"));
  EXPECT_EQ(attribute(first, "FrameOfReferenceUID"), attribute(second, "FrameOfReferenceUID"));
  EXPECT_NE(attribute(first, "SeriesInstanceUID"), attribute(second, "SeriesInstanceUID"));
  EXPECT_NE(first.sop_instance_uid, second.sop_instance_uid);
}

TEST(DicomSeries, TakesStudyAndFrameFromTheIdentity) {
  auto series = series_of(axial());
  series.exam.mutable_identity()->set_study_instance_uid("1.2.3");
  series.exam.mutable_identity()->set_frame_of_reference_uid("1.2.4");
  auto const image = write_all(series, asymmetric_map(210)).front();
  EXPECT_EQ(attribute(image, "StudyInstanceUID"), "1.2.3");
  EXPECT_EQ(attribute(image, "FrameOfReferenceUID"), "1.2.4");
}

TEST(DicomSeries, SaysWhatItIs) {
  auto const image = write_all(series_of(axial()), asymmetric_map(210)).front();
  EXPECT_EQ(attribute(image, "ImageType"), "DERIVED\\PRIMARY\\OTHER\\QSM");
  EXPECT_EQ(attribute(image, "SpecificCharacterSet"), "");
  EXPECT_EQ(attribute(image, "SeriesNumber"), "701");
  EXPECT_EQ(attribute(image, "EchoTime"), "");
  EXPECT_EQ(attribute(image, "EchoTrainLength"), "3");
  EXPECT_EQ(attribute(image, "ContentDate"), "20240102");
  EXPECT_EQ(attribute(image, "ContentTime"), "030405");
  EXPECT_EQ(attribute(image, "ImagingFrequency"), "123.2");
  EXPECT_NE(attribute(image, "DerivationDescription").find("TE [ms] 4 8 12.3"), std::string::npos);
}

TEST(DicomSeries, CountsWhatItSaturates) {
  auto chi = asymmetric_map(210);
  chi[3] = 33.0f;
  chi[4] = -40.0f;
  chi[5] = 32.767f;
  std::uint64_t saturated = 0;
  auto const instances = write_all(series_of(axial()), chi, &saturated);
  EXPECT_EQ(saturated, 2u);
  EXPECT_EQ(attribute(instances.front(), "LargestImagePixelValue"), "32767");
  EXPECT_EQ(attribute(instances.back(), "SmallestImagePixelValue"), "-32767");
}

TEST(DicomSeries, RefusesWhatDicomCannotHold) {
  auto series = series_of(axial());
  series.exam.mutable_identity()->set_patient_sex("female, forty");
  try {
    write_all(series, asymmetric_map(210));
    FAIL() << "accepted";
  } catch (qsm::Error const& e) {
    EXPECT_EQ(e.reason(), "DICOM_VALUE_INVALID");
    EXPECT_NE(std::string(e.what()).find("PatientSex"), std::string::npos) << e.what();
    EXPECT_EQ(std::string(e.what()).find("forty"), std::string::npos) << e.what();
  }
  auto chi = asymmetric_map(210);
  chi[100] = std::nanf("");
  EXPECT_THROW(write_all(series_of(axial()), chi), qsm::Error);
}

TEST(DicomSeries, WritesNamesInUtf8) {
  auto series = series_of(axial());
  series.exam.mutable_identity()->set_patient_name("M\xC3\xBCller^J\xC3\xB6rg");
  auto const instances = write_all(series, asymmetric_map(210));
  EXPECT_EQ(attribute(instances.front(), "SpecificCharacterSet"), "ISO_IR 192");
  EXPECT_EQ(attribute(instances.front(), "PatientName"), "M\xC3\xBCller^J\xC3\xB6rg");
  SeriesFolder const folder(instances);
  EXPECT_EQ(output_of(DCENTVFY + folder.quoted_files()), "");
}

class EverySeries : public testing::TestWithParam<qsm::v1::SeriesKind> {};

/// 0 .. 0.9, as every quantity may be.
std::vector<float> small_map() {
  std::vector<float> map(210);
  for (std::size_t n = 0; n < map.size(); ++n) map[n] = 0.1f * static_cast<float>(n % 10);
  return map;
}

TEST_P(EverySeries, GivesItsValuesBackByTheRealWorldMapping) {
  auto series = series_of(axial());
  series.kind = GetParam();
  auto const map = small_map();
  auto const instances = write_all(series, map);
  double const slope = std::stod(attribute(instances.front(), "RealWorldValueSlope"));
  EXPECT_EQ(attribute(instances.front(), "RescaleSlope"), "1");
  auto const& origin = series.exam.geometry().origin_lps_mm();
  PlacedValues const found = placed(instances);
  for (int n = 0; n < 7; ++n)
    EXPECT_NEAR(slope * found.at({std::llround(1e3 * (origin.x() + 0.9 * n)),
                                  std::llround(1e3 * origin.y()), std::llround(1e3 * origin.z())}),
                map[static_cast<std::size_t>(n)], 0.5 * slope + 1e-6);
}

TEST_P(EverySeries, PassesDciodvfy) {
  auto series = series_of(axial());
  series.kind = GetParam();
  if (series.kind != qsm::v1::SERIES_KIND_SUSCEPTIBILITY) series.reference.clear();
  SeriesFolder const folder(write_all(series, small_map()));
  auto const said = output_of(DCIODVFY " -new '" + folder.files().front().string() + "'");
  EXPECT_EQ(said.find("Error"), std::string::npos) << said;
}

TEST_P(EverySeries, HoldsAnEmptyMap) {
  auto series = series_of(axial());
  series.kind = GetParam();
  auto const image = write_all(series, std::vector<float>(210)).front();
  EXPECT_EQ(attribute(image, "LargestImagePixelValue"), "0");
  EXPECT_GE(std::stod(attribute(image, "WindowWidth")), 1);
}

INSTANTIATE_TEST_SUITE_P(Dicom, EverySeries, testing::ValuesIn(all_series()), [](auto const& one) {
  auto name = qsm::v1::SeriesKind_Name(one.param);
  std::erase(name, '_');
  return name;
});

TEST(DicomSeries, KeepsTheSeriesOfOneJobApart) {
  std::set<std::string> series_uids, numbers, types, names, instance_uids, studies;
  std::vector<DicomInstance> all;
  for (auto const kind : all_series()) {
    auto series = series_of(axial());
    series.kind = kind;
    for (auto const& image : write_all(series, small_map())) {
      series_uids.insert(attribute(image, "SeriesInstanceUID"));
      studies.insert(attribute(image, "StudyInstanceUID"));
      numbers.insert(attribute(image, "SeriesNumber"));
      types.insert(attribute(image, "ImageType"));
      names.insert(image.name);
      instance_uids.insert(image.sop_instance_uid);
      all.push_back(image);
      all.back().name = std::to_string(all.size()) + ".dcm";
    }
  }
  auto const kinds = all_series().size();
  EXPECT_EQ(series_uids.size(), kinds);
  EXPECT_EQ(numbers.size(), kinds);
  EXPECT_EQ(types.size(), kinds);
  EXPECT_EQ(studies.size(), 1u);
  EXPECT_EQ(names.size(), 6 * kinds);
  EXPECT_EQ(instance_uids.size(), 6 * kinds);
  EXPECT_EQ(*names.begin(), "dicom/0001.dcm");
  EXPECT_EQ(output_of(DCENTVFY + SeriesFolder(all).quoted_files()), "");
}

TEST(DecimalString, FitsAndIsTheNearest) {
  EXPECT_EQ(decimal_string(0.0), "0");
  EXPECT_EQ(decimal_string(-0.0), "0");
  EXPECT_EQ(decimal_string(1.1), "1.1");
  EXPECT_EQ(decimal_string(-123.456), "-123.456");
  for (double const value : {-141.421356237309505, 1.0 / 3, -2.0 / 3e5, 6.123233995736766e-17,
                             -1e-300, 1e17, 299792.4580123456}) {
    auto const text = decimal_string(value);
    EXPECT_LE(text.size(), 16u) << text;
    EXPECT_NEAR(std::stod(text), value, 1e-8 * std::abs(value) + 1e-300) << text;
  }
  EXPECT_THROW(decimal_string(INFINITY), qsm::Error);
}

}  // namespace
}  // namespace chistream::test
