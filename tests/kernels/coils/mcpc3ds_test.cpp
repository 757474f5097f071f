#include "coils/mcpc3ds.hpp"

#include <cmath>
#include <numbers>

#include "support/coil_scan.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using test::CoilScan;
using test::kPi;
using test::Mask;
using test::phase_error;
using test::residues;
using test::wrapped;

class Mcpc3dsTest : public test::DeviceTest {
 protected:
  struct Result {
    std::vector<std::vector<float>> magnitude, phase;  // per echo
    std::vector<std::vector<float>> offset;            // per coil
    std::vector<float> root_sum_of_squares;
  };

  Result combine(CoilScan const& scan) {
    Grid const g = scan.grid;
    Mcpc3ds<ThisDevice> mcpc(device(), g, scan.voxel_mm, scan.te_s);
    Buffer<ThisDevice, float> a(device(), g), b(device(), g);
    auto const upload = [&](int c, std::size_t e) {
      return Buffer<ThisDevice, Complex>(device(), g, scan.image(c, e));
    };
    for (int c = 0; c < scan.coils; ++c) mcpc.accumulate(upload(c, 0).view(), upload(c, 1).view());
    Result result;
    mcpc.root_sum_of_squares(a.field());
    result.root_sum_of_squares = a.to_host();
    mcpc.hermitian_phase(a.field());
    auto evolution = a.to_host();  // unwrapped with the truth at hand
    for (std::size_t n = 0; n < g.size(); ++n) {
      double const truth = 2 * kPi * scan.field_hz[n] * (scan.te_s[1] - scan.te_s[0]);
      evolution[n] = static_cast<float>(truth + wrapped(static_cast<double>(evolution[n]) - truth));
    }
    a.upload(evolution);
    Buffer<ThisDevice, std::uint8_t> const mask(device(), g, scan.mask);
    mcpc.set_phase_evolution(a.view(), mask.view());
    for (int c = 0; c < scan.coils; ++c) {
      mcpc.begin_coil(upload(c, 0).view());
      mcpc.offset(a.field());
      result.offset.push_back(a.to_host());
      for (std::size_t e = 0; e < scan.te_s.size(); ++e)
        mcpc.add(static_cast<int>(e), upload(c, e).view());
    }
    for (std::size_t e = 0; e < scan.te_s.size(); ++e) {
      mcpc.combined(static_cast<int>(e), a.field(), b.field());
      result.magnitude.push_back(a.to_host());
      result.phase.push_back(b.to_host());
    }
    return result;
  }
};

TEST_F(Mcpc3dsTest, PhaseIsThatOfTheFieldWithoutFringesThatEnd) {
  CoilScan const scan(8);
  auto const result = combine(scan);

  for (std::size_t e = 0; e < scan.te_s.size(); ++e) {
    EXPECT_LT(phase_error(scan, result.phase[e], scan.te_s[e]), 0.05) << "echo " << e;
    EXPECT_EQ(residues(scan, result.phase[e]), 0);
  }
  // What the smoothing does to the offsets is the same in all echoes: between them is only noise.
  double mean = 0, squares = 0, count = 0;
  for (std::size_t n = 0; n < scan.mask.size(); ++n) {
    if (!scan.mask[n]) continue;
    double const error = wrapped(static_cast<double>(result.phase[2][n] - result.phase[0][n]) -
                                 2 * kPi * scan.field_hz[n] * (scan.te_s[2] - scan.te_s[0]));
    mean += error;
    squares += error * error;
    ++count;
  }
  EXPECT_LT(std::abs(mean / count) / (2 * kPi * (scan.te_s[2] - scan.te_s[0])), 0.1);  // [Hz]
  EXPECT_LT(std::sqrt(squares / count), std::numbers::sqrt2 / scan.snr);
}

TEST_F(Mcpc3dsTest, FindsTheOffsetsOfTheCoils) {
  CoilScan const scan(8);
  auto const result = combine(scan);

  Grid const g = scan.grid;
  for (std::size_t c = 0; c < scan.offset.size(); ++c)
    for (int dx : {-8, 0, 8}) {
      std::size_t const n = g.linear({g.nx / 2 + dx, g.ny / 2, g.nz / 2});
      // Smoothing a quadratic shifts it by sigma^2/2 times its curvatures: up to 0.03 rad here.
      EXPECT_NEAR(wrapped(static_cast<double>(result.offset[c][n]) - scan.offset[c][n]), 0, 0.06);
    }
}

TEST_F(Mcpc3dsTest, MagnitudeIsTheRootOfSquares) {
  CoilScan scan(8);
  scan.snr = 1e5;
  auto const result = combine(scan);

  for (std::size_t n = 0; n < scan.mask.size(); ++n)
    if (scan.mask[n]) {
      // Coils add up coherently: within the cosine of the offsets' errors.
      ASSERT_NEAR(result.magnitude[0][n] / result.root_sum_of_squares[n], 1, 0.02);
    }
}

TEST_F(Mcpc3dsTest, OneCoilIsEnough) {
  CoilScan const scan(1);
  auto const result = combine(scan);

  for (std::size_t e = 0; e < scan.te_s.size(); ++e) {
    EXPECT_LT(phase_error(scan, result.phase[e], scan.te_s[e]), 0.1);
    EXPECT_EQ(residues(scan, result.phase[e]), 0);
  }
}

TEST_F(Mcpc3dsTest, SurvivesBadSamplesAndNamesBadInput) {
  Grid const g{12, 10, 8};
  std::vector<Complex> s(g.size(), {1, 0});
  s[0] = {NAN, 1};
  s[5] = {INFINITY, 0};
  Buffer<ThisDevice, Complex> const image(device(), g, s);
  Buffer<ThisDevice, float> a(device(), g), b(device(), g);
  Buffer<ThisDevice, std::uint8_t> mask(device(), g);
  mask.zero();
  Mcpc3ds<ThisDevice> mcpc(device(), g, {1, 1, 1}, {0.005, 0.010});
  mcpc.accumulate(image.view(), image.view());
  mcpc.hermitian_phase(a.field());
  try {
    mcpc.set_phase_evolution(a.view(), mask.view());
    FAIL();
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "EMPTY_MASK");
  }

  mask.upload(Mask(g.size(), 1));
  mcpc.set_phase_evolution(a.view(), mask.view());
  mcpc.begin_coil(image.view());
  mcpc.add(0, image.view());
  mcpc.combined(0, a.field(), b.field());
  for (float const v : a.to_host()) EXPECT_TRUE(std::isfinite(v));
  for (float const v : b.to_host()) EXPECT_NEAR(v, 0, 1e-6);

  auto const reason = [&](std::vector<double> const& te, double sigma_mm) {
    try {
      Mcpc3ds<ThisDevice>(device(), g, {1, 1, 1}, te, {.sigma_mm = sigma_mm});
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };
  EXPECT_EQ(reason({0.005}, 10), "TOO_FEW_ECHOES");
  EXPECT_EQ(reason({0.005, 0.005}, 10), "ECHO_TIMES");
  EXPECT_EQ(reason({0.005, 0.010}, -1), "OPTION_OUT_OF_RANGE");
}

}  // namespace
}  // namespace qsm
