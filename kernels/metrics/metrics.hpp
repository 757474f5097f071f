/// How far a map is from the truth: the scores of the 2019 QSM challenge and of the public QSM-CI
/// leaderboard, and HFEN of the 2016 challenge. Host only, double precision, OpenMP.
///
/// All of them compare `recon` with `truth` (same grid, any unit; ppm where a constant has one)
/// inside a fixed `mask`. Score on a fixed mask: one that shrinks to where a method produced output
/// rewards erosion. An all-zero map scores 100 in NRMSE and HFEN, so read XSIM and the slope beside
/// them. Nothing to score (fewer than two voxels, or a constant truth) is NaN, never a number that
/// ranks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/grid.hpp"

namespace qsm {

using Values = std::span<double const>;
using MaskValues = std::span<std::uint8_t const>;

/// 100 |recon - truth| / |truth| in the mask, both demeaned over it.
double nrmse(Values recon, Values truth, MaskValues mask);

/// The same after undoing the fit recon = a truth + b.
double nrmse_detrend(Values recon, Values truth, MaskValues mask);

/// Pearson; 0 for a constant recon.
double correlation(Values recon, Values truth, MaskValues mask);

/// Structural similarity with the constants for susceptibility in ppm (Milovic et al. 2025 MRM
/// 93:411): 5x5x5 uniform windows, truncated at the volume's border, c1 = 1e-4, c2 = 1e-6, averaged
/// over the mask. Windows look outside the mask: zero both maps there first.
double xsim(Grid grid, Values recon, Values truth, MaskValues mask);

/// High-frequency error norm: 100 |LoG recon - LoG truth| / |LoG truth| in the mask, where both
/// maps are zeroed outside it first; Laplacian of Gaussian with sigma 1.5 voxels, cut at 5 sigma.
double hfen(Grid grid, Values recon, Values truth, MaskValues mask);

/// Which label means what. The default is the numbering of the 2019 challenge and QSM-CI.
struct LabelScheme {
  std::vector<int> deep_grey = {1, 2, 3, 4, 5, 6};
  std::vector<int> tissue = {7, 8, 9};  // thalamus, white and grey matter
  int vein = 11;
  int calcification = 16;
};

struct RegionScores {
  double nrmse_tissue = 0;     // detrended, over the tissue labels
  double nrmse_blood = 0;      // detrended, over veins dilated by 3x3x3
  double nrmse_dgm = 0;        // detrended, over the deep grey labels
  double dgm_slope = 0;        // of the deep-grey label means, recon on truth
  double dgm_linearity = 0;    // |1 - slope|
  double calc_moment_dev = 0;  // |moment of truth - moment of recon|, moment = voxels x mean
  double calc_streak = 0;      // residual std around the calcification / its |mean|
};

/// The recon's calcification is what lies below a threshold within 3 voxels of the label's bounding
/// box: the threshold nearest to zero, in steps of 0.01 ppm down to -3.5, that nothing in the 8
/// voxels around that box passes. Streaks are what a linear fit on the truth leaves in the first 4
/// of them. A label that is absent gives NaN.
RegionScores region_scores(Grid grid, Values recon, Values truth, MaskValues mask,
                           std::span<std::uint8_t const> labels, LabelScheme const& scheme = {});

/// Mean of recon - truth over the voxels of one label.
double mean_error(Values recon, Values truth, std::span<std::uint8_t const> labels, int label);

}  // namespace qsm
