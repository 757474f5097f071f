#include "pipeline/combine.hpp"

#include <algorithm>
#include <cmath>

#include "support/coil_scan.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using test::CoilScan;
using test::kPi;

class CoilImages : public ScanSource {
 public:
  explicit CoilImages(CoilScan const& scan) : scan_(scan) {}
  void read(int echo, int coil, std::span<Complex> volume) override {
    auto const image = scan_.image(coil, static_cast<std::size_t>(echo));
    std::copy(image.begin(), image.end(), volume.begin());
  }

 private:
  CoilScan const& scan_;
};

class CombineTest : public test::DeviceTest {
 protected:
  CombinedEchoes<ThisDevice> combine(CoilScan const& scan, PipelineOptions const& options,
                                     bool alternating = false) {
    CoilImages source(scan);
    return combine_coils(device(),
                         {.matrix = scan.grid,
                          .encoded = scan.grid,
                          .voxel_mm = scan.voxel_mm,
                          .te_s = scan.te_s,
                          .coils = scan.coils,
                          .is_kspace = false,
                          .bipolar_readout = alternating},
                         source, options, {});
  }
};

/// The worst step between neighbouring echoes beyond the field's own [rad, rms over the head but
/// its rim, where the magnitude mask may end].
double worst_step(CoilScan scan, CombinedEchoes<ThisDevice> const& echoes) {
  for (std::size_t n = 0; n < scan.mask.size(); ++n) {
    auto const [x, y, z] = scan.position(scan.grid.index(n));
    scan.mask[n] = std::hypot(x / 68, y / 78, z / 52) < 1;
  }
  double worst = 0;
  for (std::size_t e = 1; e < scan.te_s.size(); ++e) {
    auto const before = echoes.phase[e - 1].to_host();
    auto step = echoes.phase[e].to_host();
    for (std::size_t n = 0; n < step.size(); ++n) step[n] -= before[n];
    worst = std::max(worst, phase_error(scan, step, scan.te_s[e] - scan.te_s[e - 1]));
  }
  return worst;
}

// (TE1 + TE3) / TE2 is 2 in the first scan, 2.21 in the second, whose second echo must be
// unwrapped.
TEST_F(CombineTest, AnAlternatingReadoutIsCorrectedForAnyEchoTimes) {
  for (auto const& te_s : {std::vector<double>{0.004, 0.009, 0.014, 0.019},
                           std::vector<double>{0.004, 0.0095, 0.017}}) {
    CoilScan scan(6);
    scan.te_s = te_s;
    scan.snr = 150;
    scan.bipolar_rad = 2.5;
    PipelineOptions options;
    double const without = worst_step(scan, combine(scan, options));
    options.bipolar = BipolarCorrection::kOn;
    double const with = worst_step(scan, combine(scan, options));
    EXPECT_EQ(worst_step(scan, combine(scan, {}, true)), with);  // what the scan says suffices
    std::printf("between echoes: %.3f rad rms uncorrected, %.3f corrected\n", without, with);
    EXPECT_GT(without, 0.3);
    EXPECT_LT(with, 0.07);
  }
}

TEST_F(CombineTest, OneEchoOfManyCoilsHasNoFringesThatEnd) {
  CoilScan scan(12);
  scan.te_s = {0.018};
  auto const echoes = combine(scan, {});
  ASSERT_EQ(echoes.phase.size(), 1u);
  EXPECT_EQ(residues(scan, echoes.phase[0].to_host()), 0);
}

/// What coils of given sensitivities measure of an object, and the sensitivities themselves.
struct Roemer {
  Grid grid{19, 14, 9};
  std::size_t echoes = 3;
  int coils = 4;

  Complex sensitivity(int coil, std::size_t n) const {
    if (coil == 2 || n % 13 == 0) return {};  // a dead coil; voxels that none receives
    Index3 const i = grid.index(n);
    double const angle = 0.4 * coil + 0.05 * i.x * coil - 0.03 * i.y;
    double const size = 1 + 0.1 * i.z + 0.3 * coil;
    return {static_cast<float>(size * std::cos(angle)), static_cast<float>(size * std::sin(angle))};
  }
  Complex object(std::size_t echo, std::size_t n) const {
    double const phase =
        0.7 * static_cast<double>(echo + 1) * std::sin(0.1 * static_cast<double>(n));
    double const size = 5 / (1.0 + static_cast<double>(echo));
    return {static_cast<float>(size * std::cos(phase)), static_cast<float>(size * std::sin(phase))};
  }
};

struct RoemerSource : ScanSource {
  RoemerSource(Roemer const& r, bool maps) : roemer(r), of_maps(maps) {}
  void read(int echo, int coil, std::span<Complex> volume) override {
    for (std::size_t n = 0; n < volume.size(); ++n) {
      auto const b = roemer.sensitivity(coil, n);
      volume[n] = of_maps ? b : b * roemer.object(static_cast<std::size_t>(echo), n);
    }
  }
  Roemer const& roemer;
  bool of_maps;
};

TEST_F(CombineTest, GivenSensitivitiesGiveTheObjectBack) {
  Roemer const roemer;
  RoemerSource images(roemer, false), maps(roemer, true);
  auto const echoes = combine_with_maps(device(),
                                        {.matrix = roemer.grid,
                                         .encoded = roemer.grid,
                                         .te_s = {0.004, 0.009, 0.014},
                                         .coils = roemer.coils,
                                         .is_kspace = false},
                                        images, maps, {});
  ASSERT_EQ(echoes.phase.size(), 3u);
  for (std::size_t e = 0; e < 3; ++e) {
    auto const magnitude = echoes.magnitude[e].to_host(), phase = echoes.phase[e].to_host();
    for (std::size_t n = 0; n < magnitude.size(); ++n) {
      Complex const expected = n % 13 == 0 ? Complex{} : roemer.object(e, n);
      ASSERT_NEAR(magnitude[n] * std::cos(phase[n]), expected.re, 1e-5) << n;
      ASSERT_NEAR(magnitude[n] * std::sin(phase[n]), expected.im, 1e-5) << n;
    }
  }
}

TEST_F(CombineTest, TwoEchoesCannotShowWhatAlternates) {
  CoilScan scan(2);
  scan.te_s = {0.004, 0.009};
  PipelineOptions options;
  options.bipolar = BipolarCorrection::kOn;
  try {
    combine(scan, options);
    FAIL();
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "TOO_FEW_ECHOES");
  }
  EXPECT_EQ(combine(scan, {}, true).phase.size(), 2u);  // not asked for, so no reason to refuse
}

}  // namespace
}  // namespace qsm
