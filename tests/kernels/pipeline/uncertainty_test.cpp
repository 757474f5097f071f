#include <cmath>

#include "kernels/pipeline/simulated_scan.hpp"

namespace qsm {
namespace {

bool is_deep_grey(std::uint8_t label) {
  return label >= 4 && label <= 10;
}

class UncertaintyTest : public test::DeviceTest {
 protected:
  Reconstruction map_of(double snr, std::uint64_t seed, bool with_uncertainty) {
    ScanOptions options = test::small_head();
    options.snr = snr;
    options.seed = seed;
    HeadScan<ThisDevice> scan(device(), options);
    labels_ = scan.truth().labels.to_host();
    test::SimulatedSource source(device(), scan, false);
    PipelineOptions chosen = test::quick();
    chosen.extra.uncertainty = with_uncertainty;
    return reconstruct(device(), test::describe(scan, false), source, chosen);
  }

  /// Share of the deep grey's voxels where |a - b| <= 1.96 times `factor` standard deviations of a,
  /// and the root mean square of the difference over `factor` [ppb].
  struct Coverage {
    double share, said_ppb, found_ppb;
  };
  Coverage coverage(Reconstruction const& a, Reconstruction const& b, double factor) const {
    double voxels = 0, covered = 0, said = 0, found = 0;
    for (std::size_t n = 0; n < labels_.size(); ++n) {
      if (!is_deep_grey(labels_[n]) || !a.mask[n] || !b.mask[n]) continue;
      double const sigma = static_cast<double>(a.uncertainty_ppm[n]);
      double const apart = static_cast<double>(a.chi_ppm[n] - b.chi_ppm[n]) / factor;
      voxels += 1;
      covered += std::abs(apart) <= 1.96 * sigma ? 1 : 0;
      said += sigma * sigma;
      found += apart * apart;
    }
    return {covered / voxels, 1000 * std::sqrt(said / voxels), 1000 * std::sqrt(found / voxels)};
  }

  std::vector<std::uint8_t> labels_;
};

// What it is for: how far another scan's map of the same head may be. Two scans are sqrt(2) as far
// apart as either is from their mean; 95 % of the voxels are asked for.
TEST_F(UncertaintyTest, CoversWhatAnotherScanGives) {
  auto const exact = map_of(1e5, 1, false);
  for (double const snr : {20.0, 40.0}) {
    auto const one = map_of(snr, 1, true), other = map_of(snr, 2, false);
    ASSERT_EQ(one.uncertainty_ppm.size(), one.chi_ppm.size());
    for (std::size_t n = 0; n < one.mask.size(); ++n) {
      ASSERT_TRUE(std::isfinite(one.uncertainty_ppm[n]));
      ASSERT_EQ(one.uncertainty_ppm[n] > 0, one.mask[n] != 0);
    }
    auto const repeated = coverage(one, other, std::sqrt(2.0));
    auto const noise_free = coverage(one, exact, 1);
    std::printf(
        "SNR %g: another scan %.1f %% (said %.2f ppb, found %.2f), one without noise %.1f %% "
        "(found %.2f)\n",
        snr, 100 * repeated.share, repeated.said_ppb, repeated.found_ppb, 100 * noise_free.share,
        noise_free.found_ppb);
    EXPECT_GE(repeated.share, 0.90);
    EXPECT_LE(repeated.share, 0.99);
    EXPECT_NEAR(repeated.said_ppb / repeated.found_ppb, 1, 0.2);
  }
}

TEST_F(UncertaintyTest, ChangesNothingElse) {
  auto const with = map_of(40, 1, true), without = map_of(40, 1, false);
  EXPECT_EQ(with.chi_ppm, without.chi_ppm);
  EXPECT_EQ(with.reference_ppm, without.reference_ppm);
  EXPECT_TRUE(without.uncertainty_ppm.empty());
}

// One echo does not tell its noise.
TEST_F(UncertaintyTest, IsEmptyWhereTheNoiseIsUnknown) {
  ScanOptions options = test::small_head();
  options.matrix = {44, 52, 40};
  options.voxel_mm = {3.6, 3.6, 3.6};
  options.te_s = {0.02};
  HeadScan<ThisDevice> scan(device(), options);
  test::SimulatedSource source(device(), scan, false);
  PipelineOptions chosen = test::quick();
  chosen.extra.uncertainty = true;

  EXPECT_TRUE(
      reconstruct(device(), test::describe(scan, false), source, chosen).uncertainty_ppm.empty());
}

}  // namespace
}  // namespace qsm
