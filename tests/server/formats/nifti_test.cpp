#include "formats/nifti.hpp"

#include <cmath>
#include <cstring>
#include <fstream>
#include <numbers>

#include "formats/exam_source.hpp"
#include "formats/inspect.hpp"
#include "small_exam.hpp"
#include "support/real_data.hpp"

namespace chistream::test {

namespace {

std::vector<float> ramp(std::size_t n, float scale = 1) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = scale * (static_cast<float>(i % 97) / 48 - 1);
  return values;
}

void expect_near(qsm::v1::Vector3 const& a, qsm::v1::Vector3 const& b) {
  EXPECT_NEAR(a.x(), b.x(), 1e-5);
  EXPECT_NEAR(a.y(), b.y(), 1e-5);
  EXPECT_NEAR(a.z(), b.z(), 1e-5);
}

/// Overwrites header bytes of an uncompressed file.
template <class T>
void patch(std::filesystem::path const& path, std::streamoff at, T value) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file.write(reinterpret_cast<char const*>(&value), sizeof(value));
}

constexpr std::streamoff kDim = 40, kDatatype = 70, kVoxOffset = 108, kSlope = 112,
                         kIntercept = 116, kQform = 252, kSform = 254, kSrowX = 280;

}  // namespace

TEST(Nifti, KeepsObliqueGeometryBothWays) {
  TemporaryFolder folder;
  auto const geometry = kspace_header().geometry();
  auto const values = ramp(7 * 5 * 6 * 2);
  for (std::string const name : {"a.nii", "a.nii.gz"}) {
    for (bool const by_qform : {false, true}) {
      write_nifti(folder / name, geometry, std::span(values));
      if (by_qform && name == "a.nii") patch(folder / name, kSform, std::int16_t{0});
      auto const image = read_nifti(folder / name);
      EXPECT_EQ(image.values, values);
      EXPECT_EQ(image.info.size, (std::array<std::uint32_t, 5>{7, 5, 6, 2, 1}));
      expect_near(image.info.geometry.voxel_mm(), geometry.voxel_mm());
      expect_near(image.info.geometry.origin_lps_mm(), geometry.origin_lps_mm());
      expect_near(image.info.geometry.x_direction_lps(), geometry.x_direction_lps());
      expect_near(image.info.geometry.y_direction_lps(), geometry.y_direction_lps());
      expect_near(image.info.geometry.z_direction_lps(), geometry.z_direction_lps());
    }
  }
}

TEST(Nifti, KeepsALeftHandedVolume) {
  TemporaryFolder folder;
  auto geometry = kspace_header().geometry();
  geometry.mutable_x_direction_lps()->set_x(-1);
  write_nifti(folder / "a.nii", geometry, std::span<float const>(ramp(7 * 5 * 6)));
  patch(folder / "a.nii", kSform, std::int16_t{0});
  expect_near(read_nifti(folder / "a.nii").info.geometry.x_direction_lps(),
              geometry.x_direction_lps());
}

TEST(Nifti, AppliesTheSlopeOnce) {
  TemporaryFolder folder;
  std::vector<std::uint8_t> const stored(7 * 5 * 6, 10);
  write_nifti(folder / "a.nii", kspace_header().geometry(), std::span(stored));
  EXPECT_EQ(read_nifti(folder / "a.nii").values[0], 10);
  patch(folder / "a.nii", kSlope, 0.5F);
  patch(folder / "a.nii", kIntercept, -2.0F);
  EXPECT_EQ(read_nifti(folder / "a.nii").values[0], 3);
  patch(folder / "a.nii", kSlope, 0.0F);  // none
  EXPECT_EQ(read_nifti(folder / "a.nii").values[0], 10);
}

TEST(Nifti, RefusesByName) {
  TemporaryFolder folder;
  auto const path = folder / "a.nii";
  auto const with = [&](auto... change) {
    write_nifti(path, kspace_header().geometry(), std::span<float const>(ramp(7 * 5 * 6)));
    (change(), ...);
    return reason_of([&] { read_nifti(path); });
  };
  auto const set = [&](std::streamoff at, auto value) {
    return [=, &path] { patch(path, at, value); };
  };
  EXPECT_EQ(with(), "none");
  EXPECT_EQ(with(set(0, 0)), "NIFTI_BAD_HEADER");
  EXPECT_EQ(with(set(kDim, std::int16_t{2})), "NIFTI_DIMENSIONS");
  EXPECT_EQ(with(set(kDim + 2, std::int16_t{-3})), "NIFTI_DIMENSIONS");
  EXPECT_EQ(with(set(kDim + 2, std::int16_t{32767})), "NIFTI_DIMENSIONS");
  EXPECT_EQ(with(set(kDim + 2, std::int16_t{4096}), set(kDim + 4, std::int16_t{4096}),
                 set(kDim + 6, std::int16_t{4096})),
            "NIFTI_DIMENSIONS");
  EXPECT_EQ(with(set(kDim + 2, std::int16_t{8})), "NIFTI_TRUNCATED");
  EXPECT_EQ(with(set(kDatatype, std::int16_t{32})), "NIFTI_TYPE_UNSUPPORTED");  // complex
  EXPECT_EQ(with(set(kVoxOffset, std::nanf(""))), "NIFTI_BAD_HEADER");
  EXPECT_EQ(with(set(kVoxOffset, 1e30F)), "NIFTI_BAD_HEADER");
  EXPECT_EQ(with(set(kSrowX, std::nanf(""))), "NIFTI_BAD_HEADER");
  EXPECT_EQ(with(set(kSrowX + 4, 0.7F)), "DIRECTIONS_NOT_ORTHONORMAL");
  EXPECT_EQ(with([&] { std::filesystem::resize_file(path, 100); }), "NIFTI_BAD_HEADER");
  EXPECT_EQ(with([&] { std::filesystem::remove(path); }), "FILE_UNREADABLE");
}

TEST(Nifti, ReadsEitherByteOrder) {
  TemporaryFolder folder;
  write_nifti(folder / "a.nii", kspace_header().geometry(),
              std::span<float const>(ramp(7 * 5 * 6)));
  std::ifstream in(folder / "a.nii", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  auto const swap = [&](std::size_t first, std::size_t count, std::size_t width) {
    for (std::size_t i = 0; i < count; ++i)
      std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(first + i * width),
                   bytes.begin() + static_cast<std::ptrdiff_t>(first + (i + 1) * width));
  };
  swap(0, 1, 4);     // sizeof_hdr
  swap(40, 8, 2);    // dim
  swap(56, 3, 4);    // intent_p
  swap(68, 4, 2);    // intent_code, datatype, bitpix, slice_start
  swap(76, 11, 4);   // pixdim, vox_offset, scl_slope, scl_inter
  swap(120, 1, 2);   // slice_end
  swap(124, 6, 4);   // cal_max .. glmin
  swap(252, 2, 2);   // qform_code, sform_code
  swap(256, 18, 4);  // quaternion, offsets, srows
  swap(352, 7 * 5 * 6, 4);
  std::ofstream(folder / "b.nii", std::ios::binary) << bytes;
  EXPECT_EQ(read_nifti(folder / "b.nii").values, ramp(7 * 5 * 6));
}

namespace {

ContainerReader exam_of(TemporaryFolder const& folder, ImageFiles const& files) {
  return saved(folder, written_bytes([&](ContainerWriter& out) {
                 write_exam({{}, files, {}}, out);
               }));
}

qsm::v1::InputSummary summary_of(TemporaryFolder const& folder, ImageFiles const& files) {
  return inspect(exam_of(folder, files));
}

}  // namespace

TEST(Images, BecomeAnExam) {
  TemporaryFolder folder;
  auto const geometry = kspace_header().geometry();
  std::size_t const voxels = 7 * 5 * 6;
  write_nifti(folder / "m.nii.gz", geometry, std::span<float const>(ramp(3 * voxels)));
  write_nifti(folder / "p.nii.gz", geometry, std::span<float const>(ramp(3 * voxels, 3.14159F)));
  ImageFiles files{{folder / "m.nii.gz"}, {folder / "p.nii.gz"}, {0.004, 0.008, 0.012}, 3};
  auto const summary = summary_of(folder, files);
  EXPECT_EQ(summary.content(), qsm::v1::CONTENT_KIND_IMAGES);
  EXPECT_EQ(summary.echoes(), 3u);
  EXPECT_EQ(summary.coils(), 1u);
  ASSERT_EQ(summary.warnings_size(), 1);
  EXPECT_NE(summary.warnings(0).find("radians"), std::string::npos);

  auto const why = [&](auto change) {
    ImageFiles changed = files;
    change(changed);
    return reason_of([&] { summary_of(folder, changed); });
  };
  EXPECT_EQ(why([](ImageFiles& f) { f.te_s.pop_back(); }), "ECHO_COUNT_MISMATCH");
  EXPECT_EQ(why([](ImageFiles& f) { f.phase.clear(); }), "MISSING_PHASE");
  EXPECT_EQ(why([](ImageFiles& f) { f.magnitude.clear(); }), "MISSING_MAGNITUDE");
  EXPECT_EQ(why([](ImageFiles& f) { f.b0_t = 0; }), "B0_OUT_OF_RANGE");
  EXPECT_EQ(why([](ImageFiles& f) { f.b0_direction = {{0, 0, 0}}; }), "BAD_B0_DIRECTION");
  auto moved = geometry;
  moved.mutable_origin_lps_mm()->set_x(0);
  write_nifti(folder / "m.nii.gz", moved, std::span<float const>(ramp(3 * voxels)));
  EXPECT_EQ(why([](ImageFiles&) {}), "GEOMETRY_MISMATCH");
}

TEST(Images, AFieldMapIsThePhaseBetweenTwoEchoes) {
  TemporaryFolder folder;
  auto const geometry = kspace_header().geometry();
  std::size_t const voxels = 7 * 5 * 6;
  std::vector<float> const one(voxels, 2), both = [&] {
    std::vector<float> values(voxels, 2);
    values.resize(2 * voxels, 8);
    return values;
  }();
  std::vector<float> hertz(voxels, 50);
  hertz[0] = 600;  // beyond half a turn in 1 ms
  write_nifti(folder / "one.nii", geometry, std::span(one));
  write_nifti(folder / "both.nii", geometry, std::span(both));
  write_nifti(folder / "hz.nii", geometry, std::span<float const>(hertz));
  write_nifti(folder / "p.nii", geometry, std::span<float const>(ramp(voxels, 3.14159F)));
  auto const values = [](ContainerReader const& exam, std::size_t block) {
    std::vector<float> volume(voxels);
    exam.read(exam.image_blocks().at(block), volume);
    return volume;
  };
  ImageFiles files{{folder / "one.nii"}, {folder / "hz.nii"}, {}, 3};
  files.phase_units = PhaseUnits::kHertz;
  {
    auto const exam = exam_of(folder, files);
    EXPECT_EQ(exam.header().te_s_size(), 1);
    EXPECT_DOUBLE_EQ(exam.header().te_s(0), 1e-3);
    EXPECT_NEAR(values(exam, 1)[1], 0.1 * std::numbers::pi, 1e-6);   // 50 Hz for 1 ms
    EXPECT_NEAR(values(exam, 1)[0], -0.8 * std::numbers::pi, 1e-5);  // 1.2 pi, wrapped
  }
  files = {{folder / "both.nii"}, {folder / "p.nii"}, {0.005, 0.0075}, 3};
  files.phase_difference = true;
  {
    auto const exam = exam_of(folder, files);
    EXPECT_DOUBLE_EQ(exam.header().te_s(0), 0.0025);
    EXPECT_FLOAT_EQ(values(exam, 0)[0], 4);  // of 2 and 8
  }
  auto const why = [&](auto change) {
    ImageFiles changed = files;
    change(changed);
    return reason_of([&] { exam_of(folder, changed); });
  };
  EXPECT_EQ(why([](ImageFiles& f) { f.te_s.pop_back(); }), "FIELD_MAP_MISMATCH");
  EXPECT_EQ(why([](ImageFiles& f) { f.te_s.clear(); }), "FIELD_MAP_MISMATCH");
  EXPECT_EQ(why([](ImageFiles& f) { std::swap(f.te_s[0], f.te_s[1]); }), "TE_OUT_OF_RANGE");
  EXPECT_EQ(why([](ImageFiles& f) { f.phase = f.magnitude; }), "FIELD_MAP_MISMATCH");
}

TEST(Images, OneFilePerEchoIsTheSameExam) {
  TemporaryFolder folder;
  auto const geometry = kspace_header().geometry();
  std::size_t const voxels = 7 * 5 * 6;
  auto const m = ramp(2 * voxels);
  auto const p = ramp(2 * voxels, 3.14159F);
  write_nifti(folder / "m.nii", geometry, std::span(m));
  write_nifti(folder / "p.nii", geometry, std::span(p));
  for (std::size_t e : {0, 1}) {
    auto const name = std::to_string(e) + ".nii";
    write_nifti(folder / ("m" + name), geometry, std::span(m).subspan(e * voxels, voxels));
    write_nifti(folder / ("p" + name), geometry, std::span(p).subspan(e * voxels, voxels));
  }
  auto const bytes = [&](ImageFiles const& files) {
    std::vector<std::byte> result;
    ContainerWriter out(
        [&](std::span<std::byte const> b) { result.insert(result.end(), b.begin(), b.end()); });
    write_exam({{}, files, {}}, out);
    return result;
  };
  EXPECT_EQ(bytes({{folder / "m.nii"}, {folder / "p.nii"}, {0.004, 0.008}, 3}),
            bytes({{folder / "m0.nii", folder / "m1.nii"},
                   {folder / "p0.nii", folder / "p1.nii"},
                   {0.004, 0.008},
                   3}));
}

TEST(Images, TurnTheirAxesToTheGivenDirectionOfB0) {
  TemporaryFolder folder;
  std::size_t const voxels = 7 * 5 * 6;
  write_nifti(folder / "m.nii", kspace_header().geometry(), std::span<float const>(ramp(voxels)));
  write_nifti(folder / "p.nii", kspace_header().geometry(),
              std::span<float const>(ramp(voxels, 3.14159F)));
  ImageFiles files{{folder / "m.nii"}, {folder / "p.nii"}, {0.004}, 3};
  files.b0_direction = {{0.2, -0.3, -0.9327}};  // inspect() checks that the frame stays orthonormal
  auto const g = summary_of(folder, files).geometry();
  double const length = std::sqrt(0.04 + 0.09 + 0.9327 * 0.9327);
  EXPECT_NEAR(g.x_direction_lps().z(), -0.2 / length, 1e-9);
  EXPECT_NEAR(g.y_direction_lps().z(), 0.3 / length, 1e-9);
  EXPECT_NEAR(g.z_direction_lps().z(), 0.9327 / length, 1e-9);
}

TEST(Images, RealBrainCropWithAFalseSlopeIsRead) {
  std::string const magnitude = qsm::test::real_data("romeo-clearswi-small/Mag.nii");
  std::string const phase = qsm::test::real_data("romeo-clearswi-small/Phase.nii");
  QSM_SKIP_WITHOUT_REAL_DATA(magnitude);
  TemporaryFolder folder;
  auto const summary = summary_of(folder, {{magnitude}, {phase}, {0.004, 0.008, 0.012}, 7});
  EXPECT_EQ(summary.echoes(), 3u);
  bool ignored = false;
  for (auto const& warning : summary.warnings())
    ignored = ignored || warning.starts_with("PHASE_SLOPE_IGNORED");
  EXPECT_TRUE(ignored) << summary.DebugString();
}

TEST(Images, RealCropScaledToNothingIsRefused) {
  std::string const magnitude = qsm::test::real_data("romeo-clearswi-small/clearswi_Mag.nii");
  std::string const phase = qsm::test::real_data("romeo-clearswi-small/clearswi_Phase.nii");
  QSM_SKIP_WITHOUT_REAL_DATA(magnitude);
  TemporaryFolder folder;
  ImageFiles const files{{magnitude}, {phase}, {0.004, 0.008, 0.012}, 7};
  EXPECT_EQ(reason_of([&] { summary_of(folder, files); }), "PHASE_UNITS_UNKNOWN");
}

TEST(Images, RealPhaseWithNanIsRefused) {
  std::string const phase = qsm::test::real_data("romeo-clearswi-small/phase_with_nan.nii");
  QSM_SKIP_WITHOUT_REAL_DATA(phase);
  TemporaryFolder folder;
  ImageFiles files{{phase}, {phase}, {0.004, 0.008}, 3};
  files.phase_units = PhaseUnits::kRadians;
  EXPECT_EQ(reason_of([&] { summary_of(folder, files); }), "NON_FINITE_SAMPLES");
}

TEST(Images, RealCoilImagesInScannerUnitsAreRead) {
  std::string const magnitude = qsm::test::real_data("aspire-multicoil-phantom/mag_Image.nii");
  std::string const phase = qsm::test::real_data("aspire-multicoil-phantom/phase_Image.nii");
  QSM_SKIP_WITHOUT_REAL_DATA(magnitude);
  NiftiReader reader(phase);
  EXPECT_EQ(reader.info().size, (std::array<std::uint32_t, 5>{80, 80, 2, 2, 32}));
  TemporaryFolder folder;  // two slices are not a volume to invert, and are refused as such
  ImageFiles const files{{magnitude}, {phase}, {0.005, 0.010}, 3};
  EXPECT_EQ(reason_of([&] { summary_of(folder, files); }), "MATRIX_OUT_OF_RANGE");
}

}  // namespace chistream::test
