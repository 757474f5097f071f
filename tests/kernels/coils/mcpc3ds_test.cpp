#include "coils/mcpc3ds.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "support/this_device.hpp"

namespace qsm {
namespace {

using Value = std::complex<double>;
using Mask = std::vector<std::uint8_t>;
constexpr double kPi = std::numbers::pi;

double wrapped(double a) {
  return a - 2 * kPi * std::rint(a / (2 * kPi));
}

/// A head of 150 x 170 x 120 mm in coils with smooth sensitivities and random quadratic offsets.
struct CoilScan {
  Grid grid{55, 62, 33};
  Vec3d voxel_mm{3, 3, 4};
  std::vector<double> te_s{0.004, 0.009, 0.014};
  int coils = 8;
  double snr = 50;  // of the coils together at the centre, in every echo
  Mask mask = Mask(grid.size());
  std::vector<double> field_hz = std::vector<double>(grid.size());
  std::vector<std::vector<double>> offset;  // per coil

  explicit CoilScan(int coil_count) : coils(coil_count), offset(static_cast<std::size_t>(coils)) {
    std::mt19937 random(12);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (std::size_t n = 0; n < grid.size(); ++n) {
      auto const [x, y, z] = position(grid.index(n));
      mask[n] = std::hypot(x / 75, y / 85, z / 60) < 1;
      field_hz[n] = 150 * std::sin(x / 40) * std::cos(y / 50 + z / 60);
    }
    for (auto& map : offset) {
      double a[7];
      for (double& c : a) c = uniform(random);
      for (std::size_t n = 0; n < grid.size(); ++n) {
        auto const [x, y, z] = position(grid.index(n));
        map.push_back(kPi * a[0] + (a[1] * x + a[2] * y + a[3] * z) / 75 +
                      (a[4] * x * x + a[5] * y * y + a[6] * z * z) / 10000);
      }
    }
  }

  Vec3d position(Index3 i) const {  // [mm] from the centre
    return {voxel_mm.x * (i.x - 0.5 * grid.nx), voxel_mm.y * (i.y - 0.5 * grid.ny),
            voxel_mm.z * (i.z - 0.5 * grid.nz)};
  }

  std::vector<Complex> image(int coil, std::size_t echo) const {
    std::mt19937 random(static_cast<unsigned>(100 * coil) + static_cast<unsigned>(echo));
    std::normal_distribution<double> normal(0, std::sqrt(static_cast<double>(coils)) / snr);
    double const angle = 2 * kPi * coil / coils;
    std::vector<Complex> s(grid.size());
    for (std::size_t n = 0; n < s.size(); ++n) {
      auto const [x, y, z] = position(grid.index(n));
      double const far = std::hypot(x - 110 * std::cos(angle), y - 110 * std::sin(angle), z);
      double const signal = mask[n] * 110 * 110 / (far * far);
      double const phase =
          offset[static_cast<std::size_t>(coil)][n] + 2 * kPi * field_hz[n] * te_s[echo];
      Value const v = std::polar(signal, phase) + Value(normal(random), normal(random));
      s[n] = {static_cast<float>(v.real()), static_cast<float>(v.imag())};
    }
    return s;
  }
};

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

/// Phase beyond 2 pi f TE, its mean removed; rms over the mask.
double phase_error(CoilScan const& scan, std::vector<float> const& phase, double te_s) {
  Value sum = 0;
  auto const error = [&](std::size_t n) {
    return static_cast<double>(phase[n]) - 2 * kPi * scan.field_hz[n] * te_s;
  };
  for (std::size_t n = 0; n < phase.size(); ++n)
    if (scan.mask[n]) sum += std::polar(1.0, error(n));
  double squares = 0, count = 0;
  for (std::size_t n = 0; n < phase.size(); ++n) {
    if (!scan.mask[n]) continue;
    squares += std::pow(wrapped(error(n) - std::arg(sum)), 2);
    ++count;
  }
  return std::sqrt(squares / count);
}

/// 2 x 2 loops in the x-y planes of the mask around which the phase does not return.
int residues(CoilScan const& scan, std::vector<float> const& phase) {
  Grid const g = scan.grid;
  int count = 0;
  for (int z = 0; z < g.nz; ++z)
    for (int y = 0; y + 1 < g.ny; ++y)
      for (int x = 0; x + 1 < g.nx; ++x) {
        std::size_t const loop[5] = {g.linear({x, y, z}), g.linear({x + 1, y, z}),
                                     g.linear({x + 1, y + 1, z}), g.linear({x, y + 1, z}),
                                     g.linear({x, y, z})};
        double sum = 0;
        bool inside = true;
        for (int s = 0; s < 4; ++s) {
          inside = inside && scan.mask[loop[s]];
          sum += wrapped(static_cast<double>(phase[loop[s + 1]]) -
                         static_cast<double>(phase[loop[s]]));
        }
        count += inside && std::abs(sum) > 1;
      }
  return count;
}

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
