/// The sampled dipole kernel of a uniform field and what follows from it directly.
#pragma once

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

/// D(k) = 1/3 - (nu.b)^2 / |nu|^2, nu_i = kappa_i / (N_i h_i), D(0) = 0, made even under
/// k -> -k mod N: D <- (D(k) + D(-k)) / 2, which only the Nyquist planes of an oblique field
/// notice.
Real dipole(Size size, Vector voxel_mm, Vector b0);

/// Field of a susceptibility map, both in ppm, on the periodic grid.
Real dipole_field(Real const& chi, Vector voxel_mm, Vector b0);

/// Thresholded division (Shmueli 2009): chi = F^-1( F(delta) / D ) with |D| < t replaced by
/// sign(D) t (or its inverse by 0 where `truncate`); DC 0. At the magic
/// angle, D = 0 up to rounding, sign(D) is +1.
Real thresholded_division(Real const& field, Vector voxel_mm, Vector b0, double threshold,
                          bool truncate = false);

/// chi = F^-1( D F(delta) / (D^2 + lambda G) ), G = 1, or where `gradient` sum_i a_i^2 4 sin^2(pi
/// k_i / N_i), a_i = (hx hy hz)^(1/3) / h_i; DC 0.
Real regularized_division(Real const& field, Vector voxel_mm, Vector b0, double lambda,
                          bool gradient);

}  // namespace qsm::oracle
