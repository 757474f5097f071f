#include "worker/container_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "device/error.hpp"
#include "server/worker/container_file.hpp"

namespace chistream::test {
namespace {

using Samples = std::vector<std::complex<float>>;

void set(qsm::v1::Vector3& v, double x, double y, double z) {
  v.set_x(x);
  v.set_y(y);
  v.set_z(z);
}

constexpr std::uint32_t kX = 6, kY = 5, kZ = 4, kCoils = 3, kEchoes = 2;

qsm::v1::ExamHeader header(qsm::v1::ContentKind content) {
  qsm::v1::ExamHeader h;
  h.set_format_version(1);
  h.set_content(content);
  auto& g = *h.mutable_geometry();
  g.mutable_matrix()->set_x(kX);
  g.mutable_matrix()->set_y(kY);
  g.mutable_matrix()->set_z(kZ);
  *h.mutable_encoded() = g.matrix();
  set(*g.mutable_voxel_mm(), 1, 1.5, 2);
  set(*g.mutable_x_direction_lps(), 1, 0, 0);
  set(*g.mutable_y_direction_lps(), 0, 0.8, 0.6);
  set(*g.mutable_z_direction_lps(), 0, -0.6, 0.8);
  h.set_coils(kCoils);
  for (std::uint32_t e = 0; e < kEchoes; ++e) h.add_te_s(0.004 * (e + 1));
  h.set_b0_t(3);
  h.set_phase_sign(-1);
  return h;
}

std::complex<float> sample(std::uint32_t echo, std::uint32_t coil, std::uint32_t x, std::uint32_t y,
                           std::uint32_t z) {
  auto const value = static_cast<float>(x + 10 * y + 100 * z + 1000 * coil + 10000 * echo);
  return {value + 1, -0.5f * value};
}

TEST(ContainerScan, TakesTheScanFromTheHeader) {
  auto const scan = describe_scan(header(qsm::v1::CONTENT_KIND_KSPACE));
  EXPECT_EQ(scan.matrix, (qsm::Grid{kX, kY, kZ}));
  EXPECT_NEAR(scan.b0_direction.x, 0, 1e-12);
  EXPECT_NEAR(scan.b0_direction.y, 0.6, 1e-12);
  EXPECT_NEAR(scan.b0_direction.z, 0.8, 1e-12);
  EXPECT_EQ(scan.voxel_mm.y, 1.5);
  EXPECT_EQ(scan.coils, 3);
  EXPECT_TRUE(scan.is_kspace);
  EXPECT_EQ(scan.phase_sign, -1);
  EXPECT_EQ(scan.te_s, (std::vector<double>{0.004, 0.008}));
}

TEST(ContainerScan, GathersLinesWrittenInAnyOrder) {
  std::vector<qsm::container::AcquisitionHead> heads;
  for (std::uint32_t e = 0; e < kEchoes; ++e)
    for (std::uint32_t z = 0; z < kZ; ++z)
      for (std::uint32_t y = 0; y < kY; ++y) heads.push_back({e, y, z, kCoils, kX, 0});
  std::rotate(heads.begin(), heads.begin() + 7, heads.end());
  std::reverse(heads.begin() + 3, heads.end());

  ContainerFile file;
  auto writer = file.writer();
  writer.header(header(qsm::v1::CONTENT_KIND_KSPACE));
  for (auto const& head : heads) {
    Samples line;
    for (std::uint32_t c = 0; c < kCoils; ++c)
      for (std::uint32_t x = 0; x < kX; ++x)
        line.push_back(sample(head.echo, c, x, head.line_y, head.line_z));
    writer.acquisition(head, line);
  }
  writer.end();

  ContainerReader const exam(file.finish());
  ContainerScan scan(exam);
  std::vector<qsm::Complex> volume(kX * kY * kZ);
  for (std::uint32_t e = 0; e < kEchoes; ++e)
    for (std::uint32_t c = 0; c < kCoils; ++c) {
      scan.read(static_cast<int>(e), static_cast<int>(c), volume);
      std::size_t n = 0;
      for (std::uint32_t z = 0; z < kZ; ++z)
        for (std::uint32_t y = 0; y < kY; ++y)
          for (std::uint32_t x = 0; x < kX; ++x, ++n) {
            auto const expected = sample(e, c, x, y, z);
            ASSERT_EQ(volume[n].re, expected.real());
            ASSERT_EQ(volume[n].im, expected.imag());
          }
    }
  EXPECT_THROW(scan.read(0, 3, volume), qsm::Error);
}

TEST(ContainerScan, ReadsAMissingLineAsZero) {
  ContainerFile file;
  auto writer = file.writer();
  writer.header(header(qsm::v1::CONTENT_KIND_KSPACE));
  writer.acquisition({0, 2, 1, kCoils, kX, 0}, Samples(kCoils * kX, {3, 4}));
  writer.end();
  ContainerReader const exam(file.finish());
  ContainerScan scan(exam);
  std::vector<qsm::Complex> volume(kX * kY * kZ, {9, 9});
  scan.read(0, 0, volume);
  std::size_t const start = kX * (2 + kY * 1);
  for (std::size_t n = 0; n < volume.size(); ++n)
    EXPECT_EQ(volume[n].re, n >= start && n < start + kX ? 3.0f : 0.0f) << n;
}

TEST(ContainerScan, TakesTheMeanOfALineThatCameSeveralTimes) {
  ContainerFile file;
  auto writer = file.writer();
  writer.header(header(qsm::v1::CONTENT_KIND_KSPACE));
  for (float const value : {1.0f, 2.0f, 6.0f})
    writer.acquisition({0, 2, 1, kCoils, kX, 0}, Samples(kCoils * kX, {value, -value}));
  writer.acquisition({0, 3, 1, kCoils, kX, 0}, Samples(kCoils * kX, {5, 7}));
  writer.end();
  ContainerReader const exam(file.finish());
  ContainerScan scan(exam);
  std::vector<qsm::Complex> volume(kX * kY * kZ, {9, 9});
  for (int coil = 0; coil < static_cast<int>(kCoils); ++coil) {
    scan.read(0, coil, volume);
    std::size_t const start = kX * (2 + kY * 1);
    for (std::size_t n = 0; n < volume.size(); ++n) {
      bool const averaged = n >= start && n < start + kX;
      bool const single = n >= start + kX && n < start + 2 * kX;
      EXPECT_NEAR(volume[n].re, averaged ? 3 : single ? 5 : 0, 1e-6) << n;
      EXPECT_NEAR(volume[n].im, averaged ? -3 : single ? 7 : 0, 1e-6) << n;
    }
  }
}

TEST(ContainerScan, RefusesALineOutsideTheMatrix) {
  ContainerFile file;
  auto writer = file.writer();
  writer.header(header(qsm::v1::CONTENT_KIND_KSPACE));
  writer.acquisition({0, kY, 0, kCoils, kX, 0}, Samples(kCoils * kX));
  writer.end();
  ContainerReader const exam(file.finish());
  EXPECT_THROW(ContainerScan{exam}, qsm::Error);
}

TEST(ContainerScan, ReadsMagnitudeAndPhaseOrComplexImages) {
  constexpr std::size_t kVoxels = kX * kY * kZ;
  ContainerFile file;
  auto writer = file.writer();
  writer.header(header(qsm::v1::CONTENT_KIND_IMAGES));
  std::vector<float> const magnitude(kVoxels, 2), phase(kVoxels, 0.5f);
  writer.image_block({0, 1, 1, kX, kY, kZ}, magnitude);
  writer.image_block({0, 1, 2, kX, kY, kZ}, phase);
  writer.image_block({1, 2, 0, kX, kY, kZ}, Samples(kVoxels, {-1, 5}));
  writer.end();
  ContainerReader const exam(file.finish());
  ContainerScan scan(exam);
  std::vector<qsm::Complex> volume(kVoxels);
  scan.read(0, 1, volume);
  EXPECT_NEAR(volume[17].re, 2 * std::cos(0.5f), 1e-6f);
  EXPECT_NEAR(volume[17].im, 2 * std::sin(0.5f), 1e-6f);
  scan.read(1, 2, volume);
  EXPECT_EQ(volume[17].re, -1);
  EXPECT_EQ(volume[17].im, 5);
  EXPECT_THROW(scan.read(0, 0, volume), qsm::Error);
}

}  // namespace
}  // namespace chistream::test
