#include "formats/inspect.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "small_exam.hpp"

namespace chistream::test {

using namespace qsm::container;

namespace {

/// What inspect() says about k-space whose header, lines and samples were changed.
struct Spoilt {
  std::function<void(qsm::v1::ExamHeader&)> header = [](auto&) {};
  std::function<bool(AcquisitionHead&)> line = [](auto&) { return true; };  // false: left out
  std::function<void(AcquisitionHead const&, std::vector<std::complex<float>>&)> samples =
      [](auto&, auto&) {};
};

std::vector<std::byte> spoilt_bytes(Spoilt const& spoilt) {
  auto header = kspace_header();
  return container_bytes([&](ContainerWriter& out) {
    auto const lines = header;
    spoilt.header(header);
    out.header(header);
    for_each_line(lines, [&](AcquisitionHead head) {
      if (!spoilt.line(head)) return;
      auto values = line_samples(head);
      spoilt.samples(head, values);
      out.acquisition(head, values);
    });
  });
}

std::string reason(Spoilt const& spoilt) {
  TemporaryFolder folder;
  return reason_of([&] { inspect(saved(folder, spoilt_bytes(spoilt))); });
}

std::string header_reason(std::function<void(qsm::v1::ExamHeader&)> change) {
  Spoilt spoilt;
  spoilt.header = std::move(change);
  return reason(spoilt);
}

std::string line_reason(std::function<bool(AcquisitionHead&)> change) {
  Spoilt spoilt;
  spoilt.line = std::move(change);
  return reason(spoilt);
}

}  // namespace

TEST(Inspect, DescribesAWholeExam) {
  TemporaryFolder folder;
  auto const bytes = whole_kspace();
  auto const summary = inspect(saved(folder, bytes));
  EXPECT_EQ(summary.content(), qsm::v1::CONTENT_KIND_KSPACE);
  EXPECT_EQ(summary.echoes(), 3u);
  EXPECT_EQ(summary.coils(), 2u);
  EXPECT_EQ(summary.bytes(), bytes.size());
  EXPECT_EQ(summary.geometry().matrix().y(), 5u);
  EXPECT_EQ(summary.warnings_size(), 0);
  EXPECT_EQ(inspect(saved(folder, whole_images())).warnings_size(), 0);
}

TEST(Inspect, NamesWhatTheHeaderHasWrong) {
  using H = qsm::v1::ExamHeader;
  auto const te = [](double a, double b, double c) {
    return header_reason([=](H& h) {
      h.clear_te_s();
      for (double const t : {a, b, c}) h.add_te_s(t);
    });
  };
  EXPECT_EQ(te(0.004, 0.004, 0.012), "TE_NOT_INCREASING");
  EXPECT_EQ(te(4, 8, 12), "TE_OUT_OF_RANGE");
  EXPECT_EQ(te(0, 0.008, 0.012), "TE_OUT_OF_RANGE");
  EXPECT_EQ(te(std::nan(""), 0.008, 0.012), "TE_OUT_OF_RANGE");
  EXPECT_EQ(header_reason([](H& h) { h.clear_te_s(); }), "ECHO_COUNT_MISMATCH");
  EXPECT_EQ(header_reason([](H& h) { h.mutable_te_s()->RemoveLast(); }), "ECHO_COUNT_MISMATCH");
  EXPECT_EQ(header_reason([](H& h) { h.set_coils(0); }), "COIL_COUNT_MISMATCH");
  EXPECT_EQ(header_reason([](H& h) { h.set_coils(1025); }), "COIL_COUNT_MISMATCH");
  EXPECT_EQ(header_reason([](H& h) { h.set_coils(3); }), "COIL_COUNT_MISMATCH");
  auto const matrix = [](std::uint32_t n) {
    return header_reason([=](H& h) { h.mutable_geometry()->mutable_matrix()->set_y(n); });
  };
  EXPECT_EQ(matrix(1), "MATRIX_OUT_OF_RANGE");
  EXPECT_EQ(matrix(0), "MATRIX_OUT_OF_RANGE");
  EXPECT_EQ(matrix(1025), "MATRIX_OUT_OF_RANGE");
  EXPECT_EQ(matrix(UINT32_MAX), "MATRIX_OUT_OF_RANGE");
  EXPECT_EQ(matrix(8), "INTERPOLATION_UNSUPPORTED");
  EXPECT_EQ(header_reason([](H& h) { h.mutable_encoded()->set_z(UINT32_MAX); }),
            "MATRIX_OUT_OF_RANGE");
  auto const voxel = [](double mm) {
    return header_reason([=](H& h) { h.mutable_geometry()->mutable_voxel_mm()->set_z(mm); });
  };
  EXPECT_EQ(voxel(0), "ZERO_FIELD_OF_VIEW");
  EXPECT_EQ(voxel(0.09), "VOXEL_OUT_OF_RANGE");
  EXPECT_EQ(voxel(-1), "VOXEL_OUT_OF_RANGE");
  EXPECT_EQ(voxel(std::nan("")), "VOXEL_OUT_OF_RANGE");
  EXPECT_EQ(header_reason([](H& h) { h.set_b0_t(0); }), "B0_OUT_OF_RANGE");
  EXPECT_EQ(header_reason([](H& h) { h.set_b0_t(7); }), "B0_OUT_OF_RANGE");  // 127.7 MHz says 3 T
  auto const z_axis = [](double z) {
    return header_reason([=](H& h) { h.mutable_geometry()->mutable_z_direction_lps()->set_z(z); });
  };
  EXPECT_EQ(z_axis(0.9), "DIRECTIONS_NOT_ORTHONORMAL");
  EXPECT_EQ(z_axis(std::nan("")), "DIRECTIONS_NOT_ORTHONORMAL");
  EXPECT_EQ(header_reason([](H& h) { h.set_records(91); }), "HEADER_PROMISES_MORE");
  EXPECT_EQ(header_reason([](H& h) { h.clear_content(); }), "BAD_HEADER");
  EXPECT_EQ(header_reason([](H& h) { h.set_phase_sign(5); }), "BAD_HEADER");
}

TEST(Inspect, NamesWhatTheLinesHaveWrong) {
  using H = AcquisitionHead;
  EXPECT_EQ(line_reason([](H& h) { return h.echo != 1; }), "UNDERSAMPLED");
  EXPECT_EQ(line_reason([](H& h) { return h.line_y != 3 || h.line_z != 2; }), "UNDERSAMPLED");
  EXPECT_EQ(line_reason([](H& h) { return h.line_y = 0, true; }), "UNDERSAMPLED");
  EXPECT_EQ(line_reason([](H& h) { return h.line_z += 1, true; }), "LINE_OUT_OF_RANGE");
  EXPECT_EQ(line_reason([](H& h) { return h.echo += 1, true; }), "ECHO_COUNT_MISMATCH");
  EXPECT_EQ(line_reason([](H& h) { return h.coils = 1, true; }), "COIL_COUNT_MISMATCH");
  EXPECT_EQ(line_reason([](H& h) { return h.samples = 6, true; }), "SAMPLES_MISMATCH");
}

TEST(Inspect, SaysByHowMuchAScanIsUndersampled) {
  TemporaryFolder folder;
  Spoilt spoilt;
  spoilt.line = [](AcquisitionHead& h) { return h.line_y % 2 == 0; };
  try {
    inspect(saved(folder, spoilt_bytes(spoilt)));
    FAIL();
  } catch (FormatError const& e) {
    EXPECT_STREQ(e.what(),
                 "12 of 30 k-space lines of echo 1 are missing; the scan is undersampled by R = 2 "
                 "along y and R = 1 along z");
  }
}

TEST(Inspect, AcceptsWhatZerosMayStandInForAndSaysSo) {
  TemporaryFolder folder;
  Spoilt spoilt;  // line 1 of 0 .. 4 is the one below the centre: 80 % of y
  spoilt.line = [](AcquisitionHead& h) { return h.line_y != 4; };
  auto const summary = inspect(saved(folder, spoilt_bytes(spoilt)));
  ASSERT_EQ(summary.warnings_size(), 1);  // three echoes say the same
  EXPECT_EQ(summary.warnings(0),
            "PARTIAL_FOURIER: 80 % along y and 100 % along z was measured, more on one side; the "
            "rest is zero");
}

TEST(Inspect, AcceptsLinesThatCameSeveralTimes) {
  TemporaryFolder folder;
  auto const header = kspace_header();
  auto const bytes = container_bytes([&](ContainerWriter& out) {
    out.header(header);
    for (int average = 0; average < 2; ++average)
      for_each_line(header,
                    [&](AcquisitionHead head) { out.acquisition(head, line_samples(head)); });
  });
  auto const summary = inspect(saved(folder, bytes));
  ASSERT_EQ(summary.warnings_size(), 1);
  EXPECT_EQ(summary.warnings(0), "AVERAGES: lines were measured up to 2 times; their mean is used");
}

TEST(Inspect, ReadsEverySample) {
  float const bad[] = {std::numeric_limits<float>::quiet_NaN(),
                       -std::numeric_limits<float>::infinity()};
  for (float const value : bad) {
    Spoilt spoilt;
    spoilt.samples = [=](AcquisitionHead const& h, auto& s) {
      if (h.echo == 2 && h.line_y == 4 && h.line_z == 5) s.back() = {0, value};
    };
    EXPECT_EQ(reason(spoilt), "NON_FINITE_SAMPLES");
  }
  Spoilt empty;
  empty.samples = [](AcquisitionHead const& h, auto& s) {
    if (h.echo == 1) std::fill(s.begin(), s.end(), std::complex<float>(-0.0F, 0.0F));
  };
  EXPECT_EQ(reason(empty), "ALL_ZERO_SAMPLES");
  auto bytes = whole_kspace();
  bytes[bytes.size() - 30] ^= std::byte{1};  // in the last line
  TemporaryFolder folder;
  EXPECT_EQ(reason_of([&] { inspect(saved(folder, bytes)); }), "RECORD_CRC_MISMATCH");
}

TEST(Inspect, NamesWhatTheImagesHaveWrong) {
  TemporaryFolder folder;
  auto header = image_header();
  header.clear_te_s();
  header.add_te_s(0.01);
  header.set_coils(1);
  struct Block {
    std::uint32_t echo, coil;
    Component part;
    std::uint32_t size_x = 7;
    float peak = 3.1F;
  };
  auto const with = [&](std::vector<Block> const& blocks) {
    return container_bytes([&](ContainerWriter& out) {
      out.header(header);
      for (auto const& b : blocks) {
        std::vector<float> v(std::size_t{b.size_x} * 5 * 6 *
                             (b.part == Component::kComplex ? 2 : 1));
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = i % 2 == 0 ? b.peak : -b.peak;
        ImageBlockHead const head{b.echo,   b.coil, static_cast<std::uint32_t>(b.part),
                                  b.size_x, 5,      6};
        if (b.part == Component::kComplex)
          out.image_block(head, std::span(reinterpret_cast<std::complex<float> const*>(v.data()),
                                          v.size() / 2));
        else
          out.image_block(head, v);
      }
    });
  };
  auto const why = [&](std::vector<Block> const& blocks) {
    return reason_of([&] { inspect(saved(folder, with(blocks))); });
  };
  constexpr auto kMagnitude = Component::kMagnitude;
  constexpr auto kPhase = Component::kPhase;
  constexpr auto kComplex = Component::kComplex;
  EXPECT_EQ(why({{0, 0, kMagnitude}, {0, 0, kPhase}}), "none");
  EXPECT_EQ(why({{0, 0, kComplex}}), "none");
  EXPECT_EQ(why({{0, 0, kMagnitude}}), "MISSING_PHASE");
  EXPECT_EQ(why({{0, 0, kPhase}}), "MISSING_MAGNITUDE");
  EXPECT_EQ(why({}), "MISSING_PHASE");
  EXPECT_EQ(why({{0, 0, kMagnitude}, {0, 0, kMagnitude}}), "DUPLICATE_BLOCKS");
  EXPECT_EQ(why({{0, 0, kComplex}, {0, 0, kPhase}}), "DUPLICATE_BLOCKS");
  EXPECT_EQ(why({{1, 0, kMagnitude}}), "ECHO_COUNT_MISMATCH");
  EXPECT_EQ(why({{0, 1, kMagnitude}}), "COIL_COUNT_MISMATCH");
  EXPECT_EQ(why({{0, UINT32_MAX, kMagnitude}}), "COIL_COUNT_MISMATCH");
  EXPECT_EQ(why({{0, 0, kMagnitude, 6}}), "MATRIX_OUT_OF_RANGE");
  EXPECT_EQ(why({{0, 0, kMagnitude}, {0, 0, kPhase, 7, 3.2F}}), "PHASE_OUT_OF_RANGE");
  auto const summary = inspect(saved(folder, with({{0, 0, kMagnitude}, {0, 0, kPhase, 7, 1.5F}})));
  ASSERT_EQ(summary.warnings_size(), 2);
  EXPECT_EQ(summary.warnings(0).substr(0, 11), "SINGLE_ECHO");
  EXPECT_EQ(summary.warnings(1).substr(0, 16), "PHASE_SPAN_SMALL");
}

}  // namespace chistream::test
