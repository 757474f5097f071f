#include "formats/sampling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "formats/format_error.hpp"

namespace chistream::test {
namespace {

using Wanted = std::function<bool(int, int)>;  // of (y, z) counted from k = 0

/// "" for a whole scan, the first word of its warning, or the reason of its refusal.
std::string verdict(std::uint32_t ny, std::uint32_t nz, Wanted const& wanted) {
  SampledLines lines(ny, nz);
  for (std::uint32_t z = 0; z < nz; ++z)
    for (std::uint32_t y = 0; y < ny; ++y)
      if (wanted(static_cast<int>(y) - static_cast<int>(ny / 2),
                 static_cast<int>(z) - static_cast<int>(nz / 2)))
        lines.add(y, z);
  try {
    auto const text = lines.describe(0);
    return text.substr(0, text.find(':'));
  } catch (FormatError const& e) {
    return e.reason();
  }
}

TEST(Sampling, AWholeScanNeedsNoWord) {
  EXPECT_EQ(verdict(12, 9, [](int, int) { return true; }), "");
}

TEST(Sampling, KnowsAnEllipseOnAnyMatrix) {
  for (auto const& [ny, nz] : {std::pair{64u, 48u}, {63u, 47u}, {96u, 20u}, {17u, 32u}}) {
    double const a = 0.5 * ny, b = 0.5 * nz;
    EXPECT_EQ(verdict(ny, nz, [=](int y, int z) { return std::hypot(y / a, z / b) <= 1; }),
              "ELLIPTICAL_SAMPLING")
        << ny << ' ' << nz;
  }
}

TEST(Sampling, KnowsPartialFourierWithAndWithoutAnEllipse) {
  EXPECT_EQ(verdict(64, 48, [](int y, int) { return y >= -16; }), "PARTIAL_FOURIER");
  EXPECT_EQ(verdict(64, 48, [](int y, int) { return y < 20; }), "PARTIAL_FOURIER");
  EXPECT_EQ(verdict(63, 48, [](int y, int z) { return y >= -20 && z < 15; }), "PARTIAL_FOURIER");
  EXPECT_EQ(
      verdict(64, 48, [](int y, int z) { return y >= -16 && std::hypot(y / 32.0, z / 24.0) <= 1; }),
      "PARTIAL_FOURIER");
}

TEST(Sampling, KnowsAMatrixThatWasNotFilled) {
  EXPECT_EQ(verdict(64, 48, [](int y, int) { return std::abs(y) <= 20; }), "REDUCED_SAMPLING");
  EXPECT_EQ(verdict(64, 48, [](int y, int z) { return std::abs(y) <= 20 && std::abs(z) <= 12; }),
            "REDUCED_SAMPLING");
}

TEST(Sampling, RefusesGapsAndAScanWithoutItsCentre) {
  EXPECT_EQ(verdict(64, 48, [](int y, int) { return y % 2 == 0; }), "UNDERSAMPLED");
  EXPECT_EQ(verdict(64, 48, [](int y, int z) { return y % 2 == 0 || std::abs(z) < 12; }),
            "UNDERSAMPLED");
  EXPECT_EQ(verdict(64, 48, [](int y, int z) { return y != 3 || z != 5; }), "UNDERSAMPLED");
  EXPECT_EQ(verdict(64, 48, [](int y, int) { return y >= 2; }), "UNDERSAMPLED");
  EXPECT_EQ(verdict(64, 48, [](int y, int) { return y >= -1; }), "UNDERSAMPLED");
  EXPECT_EQ(verdict(64, 48, [](int, int) { return false; }), "UNDERSAMPLED");
  // Variable density: whole in the middle, every third line beyond.
  EXPECT_EQ(verdict(64, 48, [](int y, int z) { return std::hypot(y, z) < 10 || y % 3 == 0; }),
            "UNDERSAMPLED");
}

TEST(Sampling, RefusesAScanThatWasCutShort) {
  // The last lines of the last partition are missing: a corner, but of one side only.
  EXPECT_EQ(verdict(36, 28, [](int y, int z) { return z < 13 || y < 12; }), "UNDERSAMPLED");
  EXPECT_EQ(verdict(64, 48,
                    [](int y, int z) {
                      return std::hypot(y / 32.0, z / 24.0) <= 1 && (z < 20 || y < 0);
                    }),
            "UNDERSAMPLED");
}

TEST(Sampling, CountsAverages) {
  SampledLines lines(4, 4);
  EXPECT_EQ(lines.most_averages(), 0u);
  for (int average = 0; average < 3; ++average) lines.add(1, 2);
  EXPECT_EQ(lines.most_averages(), 3u);
  EXPECT_EQ(lines.missing(), 15u);
}

}  // namespace
}  // namespace chistream::test
