/// Scores by their definitions, window by window.
#pragma once

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

/// 100 |recon - truth| / |truth| over the mask, both demeaned over it.
double nrmse(Real const& recon, Real const& truth, Mask const& mask);
/// The same of (recon - b) / a, where recon = a truth + b in least squares.
double nrmse_detrend(Real const& recon, Real const& truth, Mask const& mask);
double correlation(Real const& recon, Real const& truth, Mask const& mask);

/// Mean over the mask of (2 mu_x mu_y + 1e-4)(2 s_xy + 1e-6) /
/// ((mu_x^2 + mu_y^2 + 1e-4)(s_x^2 + s_y^2 + 1e-6)), moments over the part of the 5x5x5 window that
/// is in the volume.
double xsim(Real const& recon, Real const& truth, Mask const& mask);

/// Laplacian of Gaussian as one three-dimensional kernel, sigma 1.5 voxels, |o| <= 8 per axis:
/// sum_a (o_a^2/sigma^4 - 1/sigma^2) g(o_x) g(o_y) g(o_z), g summing to 1. Beyond the border the
/// volume is mirrored (d c b a | a b c d).
Real laplacian_of_gaussian(Real const& x);

/// 100 |LoG recon - LoG truth| / |LoG truth| in the mask, maps zeroed outside it first.
double hfen(Real const& recon, Real const& truth, Mask const& mask);

}  // namespace qsm::oracle
