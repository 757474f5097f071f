// The inversions and the scores on measured and simulated heads (QSM_TEST_DATA).
#include "support/real_data.hpp"

#include <gtest/gtest.h>

#include "device/buffer.hpp"
#include "inversion/closed_form.hpp"
#include "inversion/variational.hpp"
#include "metrics/metrics.hpp"
#include "support/nifti_file.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using RealBrain = test::DeviceTest;
using HeadPhantom = test::DeviceTest;

struct DataSet {
  Grid g;
  Vec3d voxel_mm;
  std::vector<float> field;
  std::vector<std::uint8_t> mask;
  std::vector<double> truth;
};

DataSet load(std::string const& field, std::string const& mask, std::string const& truth) {
  auto const f = test::read_nifti(field);
  return {f.grid, f.voxel_mm, f.data, test::read_nifti(mask).as_mask(),
          test::read_nifti(truth).as_double()};
}

template <class Invert>
std::vector<double> inverted(ThisDevice const& device, DataSet const& d, Invert invert) {
  Buffer<ThisDevice, float> const field(device, d.g, d.field);
  Buffer<ThisDevice, std::uint8_t> const mask(device, d.g, d.mask);
  Buffer<ThisDevice, float> chi(device, d.g);
  invert(field.view(), mask.view(), chi.field());
  auto const map = chi.to_host();
  return {map.begin(), map.end()};
}

struct Expected {
  double nrmse, detrend, hfen, correlation, xsim;
};

// Published check values, to their last printed digit.
void expect_scores(DataSet const& d, std::vector<double> const& chi, Expected const& e) {
  EXPECT_NEAR(nrmse(chi, d.truth, d.mask), e.nrmse, 0.02);
  EXPECT_NEAR(nrmse_detrend(chi, d.truth, d.mask), e.detrend, 0.02);
  EXPECT_NEAR(hfen(d.g, chi, d.truth, d.mask), e.hfen, 0.02);
  EXPECT_NEAR(correlation(chi, d.truth, d.mask), e.correlation, 2e-4);
  EXPECT_NEAR(xsim(d.g, chi, d.truth, d.mask), e.xsim, 2e-4);
}

TEST_F(RealBrain, ThresholdedDivisionHasItsPublishedScores) {
  auto const folder = test::real_data("qsm2016-challenge/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  auto const d =
      load(folder + "phs_tissue.nii.gz", folder + "msk.nii.gz", folder + "chi_cosmos.nii.gz");
  for (auto const& [threshold, expected] :
       {std::pair{0.10, Expected{123.81, 113.66, 108.59, 0.6605, 0.2641}},
        std::pair{0.15, Expected{99.14, 96.65, 85.91, 0.7190, 0.3534}},
        std::pair{0.20, Expected{84.06, 87.26, 72.77, 0.7535, 0.4229}}}) {
    expect_scores(d,
                  inverted(device(), d,
                           [&, t = threshold](auto field, auto mask, auto chi) {
                             invert_closed_form(device(), d.voxel_mm, {0, 0, 1}, field, mask,
                                                {.threshold = t, .pad_voxels = 0}, chi, {});
                           }),
                  expected);
  }
  expect_scores(d, std::vector<double>(d.truth.size()), {100, 100, 100, 0, 0.005});
}

TEST_F(RealBrain, TikhonovHasItsPublishedScores) {
  auto const folder = test::real_data("qsm2016-challenge/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  auto const d =
      load(folder + "phs_tissue.nii.gz", folder + "msk.nii.gz", folder + "chi_cosmos.nii.gz");
  for (auto const& [lambda, expected] :
       {std::pair{0.01, Expected{74.47, 84.71, 65.42, 0.7630, 0.4662}},
        std::pair{0.03, Expected{61.21, 76.93, 57.14, 0.7926, 0.5426}},
        std::pair{0.05, Expected{61.34, 76.53, 59.57, 0.7941, 0.5345}}}) {
    expect_scores(d,
                  inverted(device(), d,
                           [&, l = lambda](auto field, auto mask, auto chi) {
                             invert_closed_form(
                                 device(), d.voxel_mm, {0, 0, 1}, field, mask,
                                 {.method = ClosedForm::kTikhonov, .lambda = l, .pad_voxels = 0},
                                 chi, {});
                           }),
                  expected);
  }
}

TEST_F(HeadPhantom, NonlinearTvReachesPublishedAccuracyFromTheTrueField) {
  auto const folder = test::real_data("head-phantom/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  auto const d = load(folder + "local_field.nii.gz", folder + "mask.nii.gz", folder + "chi.nii.gz");
  auto const labels = test::read_nifti(folder + "labels.nii.gz").as_labels();
  auto const chi = inverted(device(), d, [&](auto field, auto mask, auto out) {
    invert_variational(device(), d.voxel_mm, {0, 0, 1}, 3.21, field, mask, {},
                       {.alpha = 1.6e-4, .mu1 = 0.03, .max_iterations = 60}, out, {});
  });

  // Reference programs, stopped at 1 %: 17.8 and 18.1.
  EXPECT_LE(nrmse(chi, d.truth, d.mask), 17.8);
  EXPECT_LE(hfen(d.g, chi, d.truth, d.mask), 18.1);
  LabelScheme const scheme{
      .deep_grey = {4, 5, 6, 7, 8, 9, 10}, .tissue = {1, 2}, .vein = 11, .calcification = 12};
  auto const scores = region_scores(d.g, chi, d.truth, d.mask, labels, scheme);
  EXPECT_NEAR(scores.dgm_slope, 1, 0.012);
  EXPECT_NEAR(mean_error(chi, d.truth, labels, 12), 0, 0.01);
}

}  // namespace
}  // namespace qsm
