/// Laplacian and temporal phase unwrapping by their definitions.
#pragma once

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

/// a - 2 pi rint(a / 2 pi)
double wrap(double a);

/// L[n] = sum_i (wrap(w[n + e_i] - w[n]) - wrap(w[n] - w[n - e_i])) / h_i^2; differences that cross
/// the border are left out.
Real wrapped_laplacian(Real const& wrapped, Vector voxel_mm);

/// C[k] = sum_n x[n] cos(pi k (2n + 1) / 2N) per axis, and its inverse.
Real dct(Real const& x);
Real idct(Real const& c);

/// u with lap u = rhs, no flux through the border, mean 0.
Real solve_neumann(Real const& rhs, Vector voxel_mm);

/// u of lap u = L(w), with the constant that L leaves open set to zero mean.
Real laplacian_unwrap(Real const& wrapped, Vector voxel_mm);

/// u of min sum_edges (u_j - u_i - wrap(w_j - w_i))^2 / h^2 over the edges between neighbouring
/// mask voxels, by elimination. 0 at the last voxel of each connected part, and outside the mask.
Real masked_unwrap(Real const& wrapped, Mask const& mask, Vector voxel_mm);

/// w + 2 pi rint((u - w)/2pi - median over the mask of (u - w)/2pi).
Real snap_to_congruence(Real const& u, Real const& wrapped, Mask const& mask);

/// The mean of the two middle values for an even count.
double median(std::vector<double> values);

/// phi_e = w_e - 2 pi rint((w_e - phi_{e-1} TE_e / TE_{e-1}) / 2 pi), from phi_0 outward.
std::vector<Real> temporal_unwrap(Real const& first, std::vector<Real> const& wrapped,
                                  std::vector<double> const& te);

}  // namespace qsm::oracle
