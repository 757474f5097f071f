// The chain with one echo, with many, and what it makes of their decay.
#include <algorithm>
#include <cmath>

#include "kernels/pipeline/simulated_scan.hpp"

namespace qsm {
namespace {

using test::CombinedSource;
using test::describe;
using test::quick;
using test::score;
using test::SimulatedSource;
using test::small_head;

/// Few radii and iterations: what is asked here is whether each part does its work.
PipelineOptions brief() {
  PipelineOptions options;
  options.background.radii_mm = {12, 8, 4};
  options.background.threshold = 0.15;
  options.variational.max_iterations = 25;
  return options;
}

PipelineOptions briefest() {
  PipelineOptions options = brief();
  options.inversion = InversionMethod::kTkd;
  return options;
}

class EchoesTest : public test::DeviceTest {
 protected:
  static bool suspects_the_sign(Reconstruction const& map) {
    return std::any_of(map.warnings.begin(), map.warnings.end(),
                       [](std::string const& w) { return w.starts_with("phase sign suspect"); });
  }
};

void expect_finite(Reconstruction const& map) {
  for (auto const* volume : {&map.chi_ppm, &map.local_field_ppm, &map.total_field_ppm, &map.weight,
                             &map.magnitude, &map.r2s_per_s})
    for (float const v : *volume) ASSERT_TRUE(std::isfinite(v));
}

// With one echo nothing but its neighbours tells a voxel beside a sinus that has dephased: those
// stay in the mask and spoil the NRMSE (130), so no accuracy is asked.
TEST_F(EchoesTest, OneEchoOfCombinedImagesGivesAMapAndNoR2s) {
  ScanOptions options = small_head();
  options.te_s = {0.016};
  options.coils = 1;
  HeadScan<ThisDevice> const scan(device(), options);
  CombinedSource source(scan);

  auto const map = reconstruct(device(), describe(scan, false), source, quick());

  double error = 0;
  auto const scores = score(scan, map, &error);
  std::printf("one echo: nrmse %.1f  deep-grey slope %.3f  excluded %llu\n", error,
              scores.dgm_slope, static_cast<unsigned long long>(map.excluded_voxels));
  EXPECT_GT(scores.dgm_slope, 0.5);
  EXPECT_TRUE(map.r2s_per_s.empty());
  EXPECT_NEAR(map.phase_scale_rad_per_ppm, 2 * std::numbers::pi * kGammaBar * 3 * 0.016, 1e-6);
  expect_finite(map);
}

TEST_F(EchoesTest, OneEchoOfOneCoilGoesThroughFromRawData) {
  ScanOptions options = small_head();
  options.te_s = {0.016};
  options.coils = 1;
  HeadScan<ThisDevice> scan(device(), options);
  SimulatedSource source(device(), scan, true);

  auto const map = reconstruct(device(), describe(scan, true), source, brief());

  double error = 0;
  auto const scores = score(scan, map, &error);
  std::printf("one coil, one echo: nrmse %.1f  deep-grey slope %.3f\n", error, scores.dgm_slope);
  EXPECT_GT(scores.dgm_slope, 0.5);  // a surface loop sees the near side only
  expect_finite(map);
}

TEST_F(EchoesTest, TwelveEchoesWithTheComplexFit) {
  ScanOptions options = small_head();
  options.te_s.clear();
  for (int e = 0; e < 12; ++e) options.te_s.push_back(0.003 + 0.003 * e);
  options.coils = 2;
  HeadScan<ThisDevice> scan(device(), options);
  auto const truth = scan.truth().r2s.to_host();
  auto const inside = scan.truth().mask.to_host();
  SimulatedSource source(device(), scan, false);
  PipelineOptions pipeline = quick();
  pipeline.field = FieldMethod::kNonlinear;

  auto const map = reconstruct(device(), describe(scan, false), source, pipeline);

  double error = 0;
  auto const scores = score(scan, map, &error);
  std::printf("twelve echoes: nrmse %.1f  deep-grey slope %.3f  excluded %llu\n", error,
              scores.dgm_slope, static_cast<unsigned long long>(map.excluded_voxels));
  EXPECT_GT(scores.dgm_slope, 0.7);
  EXPECT_LT(scores.dgm_slope, 1.1);
  EXPECT_LT(error, 100);
  EXPECT_FALSE(suspects_the_sign(map));
  expect_finite(map);

  // Most voxels dephase little, so that the median is the tissue's own rate.
  std::vector<double> misses;
  for (std::size_t n = 0; n < truth.size(); ++n) {
    if (inside[n] && map.brain_mask[n])
      misses.push_back(
          std::abs(static_cast<double>(map.r2s_per_s[n]) - static_cast<double>(truth[n])));
    ASSERT_TRUE(map.brain_mask[n] || map.r2s_per_s[n] == 0);
  }
  auto const middle = misses.begin() + static_cast<std::ptrdiff_t>(misses.size() / 2);
  std::nth_element(misses.begin(), middle, misses.end());
  std::printf("median miss of R2* %.2f 1/s\n", *middle);
  EXPECT_LT(*middle, 3);
}

TEST_F(EchoesTest, AConjugatedScanIsSuspectAndNotFlipped) {
  HeadScan<ThisDevice> scan(device(), small_head());
  SimulatedSource source(device(), scan, false);
  auto description = describe(scan, false);

  auto const right = reconstruct(device(), description, source, briefest());
  description.phase_sign = -1;
  auto const wrong = reconstruct(device(), description, source, briefest());

  double error = 0;
  EXPECT_FALSE(suspects_the_sign(right));
  EXPECT_TRUE(suspects_the_sign(wrong));
  EXPECT_LT(score(scan, wrong, &error).dgm_slope, 0);
}

// The truth is relative to water, which the fluid is.
TEST_F(EchoesTest, AReferenceToFluidBringsTheMapToTheTruthsZero) {
  HeadScan<ThisDevice> scan(device(), small_head());
  SimulatedSource source(device(), scan, false);
  PipelineOptions options = briefest();
  options.reference = ReferenceMethod::kCsf;
  auto const truth = scan.truth().chi_ppm.to_host();

  auto const map = reconstruct(device(), describe(scan, false), source, options);

  double offset = 0, count = 0;
  for (std::size_t n = 0; n < truth.size(); ++n)
    if (map.mask[n]) {
      offset += static_cast<double>(map.chi_ppm[n]) - static_cast<double>(truth[n]);
      ++count;
    }
  std::printf("reference %.4f ppm, mean of the error %.4f ppm\n", map.reference_ppm,
              offset / count);
  EXPECT_LT(std::abs(offset / count), 0.03);
}

TEST_F(EchoesTest, RefusesByNameWhatR2sCannotBe) {
  ScanDescription scan{.matrix = {16, 15, 14},
                       .encoded = {16, 15, 14},
                       .te_s = {0.004, 0.008, 0.013},
                       .is_kspace = false};
  class Unread : public ScanSource {
    void read(int, int, std::span<Complex>) override { FAIL() << "it was read"; }
  } unread;
  auto const reason = [&](PipelineOptions const& options) {
    try {
      reconstruct(device(), scan, unread, options);
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };
  PipelineOptions arlo, fluid;
  arlo.r2s.method = R2sMethod::kArlo;
  fluid.reference = ReferenceMethod::kCsf;

  EXPECT_EQ(reason(arlo), "NOT_EQUIDISTANT");
  scan.te_s = {0.008};
  EXPECT_EQ(reason(fluid), "NO_CSF");
}

}  // namespace
}  // namespace qsm
