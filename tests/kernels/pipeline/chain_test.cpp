#include <algorithm>
#include <cmath>

#include "metrics/metrics.hpp"
#include "pipeline/pipeline.hpp"
#include "simulate/scan.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

/// A simulated scan as the pipeline reads it: k-space, or coil images.
class SimulatedSource : public ScanSource {
 public:
  SimulatedSource(ThisDevice const& device, HeadScan<ThisDevice>& scan, bool kspace)
      : scan_(scan), kspace_(kspace), volume_(device, scan.geometry().grid) {}

  void read(int echo, int coil, std::span<Complex> out) override {
    if (kspace_)
      scan_.coil_kspace(echo, coil, volume_.field());
    else
      scan_.coil_image(echo, coil, volume_.field());
    volume_.download(out);
  }

 private:
  HeadScan<ThisDevice>& scan_;
  bool kspace_;
  Buffer<ThisDevice, Complex> volume_;
};

ScanDescription describe(HeadScan<ThisDevice> const& scan, bool kspace) {
  ScanOptions const& o = scan.options();
  return {.matrix = scan.geometry().grid,
          .encoded = scan.geometry().grid,
          .voxel_mm = scan.geometry().voxel_mm,
          .b0_direction = scan.geometry().b0_direction(),
          .te_s = o.te_s,
          .b0_t = o.b0_t,
          .coils = o.coils,
          .is_kspace = kspace,
          .phase_sign = 1};
}

ScanOptions small_head() {
  ScanOptions options;
  options.matrix = {88, 105, 79};
  options.voxel_mm = {1.8, 1.8, 1.8};
  options.coils = 4;
  options.oversampling = 2;  // the inversion must not be handed its own discretisation
  return options;
}

PipelineOptions quick() {
  PipelineOptions options;
  options.nltv.max_iterations = 40;
  return options;
}

class ChainTest : public test::DeviceTest {
 protected:
  RegionScores score(HeadScan<ThisDevice> const& scan, Reconstruction const& map, double* error) {
    auto const& truth = scan.truth();
    auto const chi = truth.chi_ppm.to_host();
    auto const mask = truth.mask.to_host();
    auto const labels = truth.labels.to_host();
    std::vector<double> const recon(map.chi_ppm.begin(), map.chi_ppm.end());
    std::vector<double> const expected(chi.begin(), chi.end());
    *error = nrmse(recon, expected, mask);
    LabelScheme scheme;
    scheme.deep_grey = {4, 5, 6, 7, 8, 9, 10};
    return region_scores(map_grid(scan), recon, expected, mask, labels, scheme);
  }
  // At 1.8 mm, noise and V-SHARP included, some of the deep-grey contrast is lost (0.84, oblique
  // 0.75); what is asked of a 1 mm scan is measured by deploy/demo.sh.
  static void expect_contrast(RegionScores const& scores) {
    EXPECT_GT(scores.dgm_slope, 0.7);
    EXPECT_LT(scores.dgm_slope, 1.1);
  }
  static Grid map_grid(HeadScan<ThisDevice> const& scan) { return scan.geometry().grid; }
};

TEST_F(ChainTest, RecoversDeepGreyMatterFromRawData) {
  HeadScan<ThisDevice> scan(device(), small_head());
  SimulatedSource source(device(), scan, true);
  std::vector<std::string> seen;

  auto const map = reconstruct(device(), describe(scan, true), source, quick(), {},
                               [&](PipelineProgress const& p) {
                                 if (seen.empty() || seen.back() != p.stage)
                                   seen.push_back(p.stage);
                               });

  EXPECT_EQ(seen, stage_names());
  double error = 0;
  auto const scores = score(scan, map, &error);
  std::printf("nrmse %.1f  deep-grey slope %.3f  excluded %llu\n", error, scores.dgm_slope,
              static_cast<unsigned long long>(map.excluded_voxels));
  expect_contrast(scores);
  EXPECT_LT(error, 100);  // an all-zero map scores 100
  for (float const v : map.chi_ppm) ASSERT_TRUE(std::isfinite(v));
}

TEST_F(ChainTest, ObliqueCoilImagesGiveTheSameAccuracy) {
  ScanOptions options = small_head();
  options.axes = oblique_axes(25, 10);
  HeadScan<ThisDevice> scan(device(), options);
  SimulatedSource source(device(), scan, false);

  auto const map = reconstruct(device(), describe(scan, false), source, quick());

  double error = 0;
  auto const scores = score(scan, map, &error);
  std::printf("nrmse %.1f  deep-grey slope %.3f\n", error, scores.dgm_slope);
  expect_contrast(scores);
  EXPECT_LT(error, 100);
}

TEST_F(ChainTest, StopsWhenAsked) {
  ScanOptions options = small_head();
  HeadScan<ThisDevice> scan(device(), options);
  SimulatedSource source(device(), scan, false);
  std::stop_source stop;

  try {
    reconstruct(device(), describe(scan, false), source, {}, stop.get_token(),
                [&](PipelineProgress const& p) {
                  if (p.stage == "inversion" && p.iteration.iteration == 2) stop.request_stop();
                });
    FAIL() << "it went on to the end";
  } catch (Error const& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCancelled);
  }
}

class ConstantSource : public ScanSource {
 public:
  explicit ConstantSource(float value) : value_(value) {}
  void read(int, int, std::span<Complex> out) override {
    std::fill(out.begin(), out.end(), Complex{value_, 0});
  }

 private:
  float value_;
};

TEST_F(ChainTest, RefusesWhatHoldsNoSignalByName) {
  ScanDescription scan{.matrix = {16, 15, 14},
                       .encoded = {16, 15, 14},
                       .voxel_mm = {1, 1, 2},
                       .te_s = {0.004, 0.008},
                       .b0_t = 3,
                       .coils = 2,
                       .is_kspace = false};
  ConstantSource zeros(0), nans(std::nanf(""));
  for (ConstantSource* source : {&zeros, &nans}) try {
      reconstruct(device(), scan, *source, {});
      FAIL() << "a scan without signal gave a map";
    } catch (Error const& e) {
      EXPECT_EQ(e.reason(), "EMPTY_MASK");
    }

  scan.te_s = {0.008};
  try {
    reconstruct(device(), scan, zeros, {});
    FAIL() << "two coils without signal were combined";
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "NO_COMMON_SIGNAL");
  }
  scan.te_s = {0.008, 0.008};
  try {
    reconstruct(device(), scan, zeros, {});
    FAIL() << "echo times that do not increase were accepted";
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "TE_NOT_INCREASING");
  }
}

}  // namespace
}  // namespace qsm
