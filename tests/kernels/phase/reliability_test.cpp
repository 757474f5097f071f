#include "phase/reliability.hpp"

#include <cmath>
#include <random>

#include "device/buffer.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using Values = std::vector<float>;

/// A scan as the fit over five echoes would describe it: field with a gradient, noise 1 per
/// channel, chi^2 residuals with three degrees of freedom.
struct Fitted {
  Grid grid{41, 37, 25};
  std::vector<double> te_s{0.004, 0.008, 0.012, 0.016, 0.020};
  Values magnitude, field_hz, noise_hz, residual_rad, quality;
  std::vector<std::uint8_t> mask;

  explicit Fitted(double snr) {
    std::mt19937 random(4);
    std::normal_distribution<double> normal;
    for (std::size_t n = 0; n < grid.size(); ++n) {
      Index3 const i = grid.index(n);
      double const m = snr * (0.6 + 0.4 * std::cos(0.1 * i.x));
      magnitude.push_back(static_cast<float>(m));
      // 1 / (2 pi m sqrt(sum (TE - mean)^2))
      double const sigma = 1 / (2 * 3.14159265 * m * 0.01265);
      noise_hz.push_back(static_cast<float>(sigma));
      field_hz.push_back(static_cast<float>(8.0 * i.x - 60 + sigma * normal(random)));
      double squares = 0;
      for (int d = 0; d < 3; ++d) squares += std::pow(normal(random), 2);
      residual_rad.push_back(static_cast<float>(std::sqrt(squares / 5) / m));
      quality.push_back(0.8f);
      mask.push_back(i.x > 1 && i.y > 1 && i.z > 1 && i.x < 39 && i.y < 35 && i.z < 23);
    }
  }
};

class ReliabilityTest : public test::DeviceTest {
 protected:
  struct Result {
    ReliabilityCounts counts;
    Values weight;
  };
  Result weigh(Fitted const& scan, ReliabilityOptions const& options = {}) {
    Grid const g = scan.grid;
    Buffer<ThisDevice, float> const m(device(), g, scan.magnitude), f(device(), g, scan.field_hz);
    Buffer<ThisDevice, float> const s(device(), g, scan.noise_hz),
        r(device(), g, scan.residual_rad), q(device(), g, scan.quality);
    Buffer<ThisDevice, std::uint8_t> const mask(device(), g, scan.mask);
    Buffer<ThisDevice, float> weight(device(), g);
    auto const counts = data_weight(
        device(), std::vector<Field<float const>>(scan.te_s.size(), m.view()), scan.te_s,
        {.field_hz = f.view(),
         .noise_hz = s.view(),
         .residual_rad = r.view(),
         .noise_sigma = 1,
         .noise_is_absolute = true,
         .freedom = 3,
         .quality = q.view()},
        mask.view(), options, weight.field());
    return {counts, weight.to_host()};
  }
};

TEST_F(ReliabilityTest, AGoodScanKeepsEveryVoxel) {
  for (double const snr : {20.0, 40.0, 1000.0}) {
    Fitted const scan(snr);
    auto const result = weigh(scan);

    EXPECT_EQ(result.counts.excluded, 0u) << snr;
    for (std::size_t n = 0; n < scan.mask.size(); ++n) {
      EXPECT_EQ(result.weight[n] > 0, scan.mask[n] != 0);
      EXPECT_LE(result.weight[n] * result.weight[n], 0.999f);
    }
  }
}

TEST_F(ReliabilityTest, WeightIsTheInverseNoiseOverItsPercentile) {
  Fitted scan(40);
  std::size_t const vessel = scan.grid.linear({20, 20, 12});
  scan.magnitude[vessel] *= 50;
  auto const result = weigh(scan);

  std::size_t const dark = scan.grid.linear({30, 20, 12});
  std::size_t const bright = scan.grid.linear({8, 20, 12});
  EXPECT_NEAR(result.weight[dark] / result.weight[bright],
              scan.magnitude[dark] / scan.magnitude[bright], 1e-4);
  EXPECT_GT(result.weight[bright], 0.7);
  EXPECT_NEAR(result.weight[vessel], std::sqrt(0.999), 1e-6);
}

TEST_F(ReliabilityTest, ExcludesExactlyWhatIsWrong) {
  Fitted scan(40);
  Grid const g = scan.grid;
  std::vector<std::size_t> const misfits{g.linear({10, 10, 10}), g.linear({25, 30, 4})};
  for (std::size_t n : misfits) scan.residual_rad[n] = 0.5f;  // 13 sigma
  std::vector<std::size_t> leaps{g.linear({15, 15, 15})};
  for (Index3 const i : {Index3{30, 20, 10}, {31, 20, 10}, {30, 21, 10}, {31, 21, 10}})
    leaps.push_back(g.linear(i));
  for (std::size_t n : leaps) scan.field_hz[n] += 125;  // a wrap between echoes 4 ms apart is 250
  std::size_t const vein = g.linear({20, 10, 6});
  scan.field_hz[vein] += 15;  // 0.12 ppm at 3 T: anatomy
  std::size_t const lost = g.linear({12, 28, 20});
  scan.field_hz[lost] = NAN;

  auto const result = weigh(scan);

  EXPECT_EQ(result.counts.misfits, misfits.size());
  EXPECT_EQ(result.counts.leaps, leaps.size());
  EXPECT_EQ(result.counts.excluded, misfits.size() + leaps.size() + 1);
  for (std::size_t n : misfits) EXPECT_EQ(result.weight[n], 0);
  for (std::size_t n : leaps) EXPECT_EQ(result.weight[n], 0);
  EXPECT_EQ(result.weight[lost], 0);
  EXPECT_GT(result.weight[vein], 0);
}

TEST_F(ReliabilityTest, BadPhaseHasNoSayWhereQualityIsAsked) {
  Fitted scan(40);
  std::size_t const bad = scan.grid.linear({12, 28, 20}), unknown = scan.grid.linear({20, 20, 9});
  scan.quality[bad] = 0.25f;
  scan.quality[unknown] = NAN;

  EXPECT_EQ(weigh(scan).counts.excluded, 1u);  // what is not a number is bad in any case
  auto const result = weigh(scan, {.min_quality = 0.3});
  EXPECT_EQ(result.counts.excluded, 2u);
  EXPECT_EQ(result.weight[bad], 0);
  EXPECT_EQ(result.weight[unknown], 0);
}

TEST_F(ReliabilityTest, SteepGradientsAreNoLeaps) {
  Fitted scan(40);
  for (std::size_t n = 0; n < scan.mask.size(); ++n)
    scan.field_hz[n] = 60.0f * static_cast<float>(scan.grid.index(n).x);  // 1.2 turns per voxel

  EXPECT_EQ(weigh(scan).counts.excluded, 0u);
}

TEST_F(ReliabilityTest, NamesAnEmptyMask) {
  Fitted scan(40);
  scan.mask.assign(scan.mask.size(), 0);
  try {
    weigh(scan);
    FAIL();
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "EMPTY_MASK");
  }
}

}  // namespace
}  // namespace qsm
