/// Adaptive combination by its definition, serial and in double: forms every voxel's coil
/// covariance and iterates to the dominant eigenvector.
#pragma once

#include <complex>
#include <vector>

#include "device/grid.hpp"

namespace qsm::test {

/// images[coil] of the echo that decides. Neighbourhood weights exp(-t^2 / 2 sigma^2), sigma in
/// voxels per axis, cut at ceil(3 sigma) and at the border. Returns v[coil][voxel], |v| = 1, its
/// phase arbitrary.
std::vector<std::vector<std::complex<double>>> oracle_adaptive_filter(
    Grid grid, std::vector<std::vector<std::complex<double>>> const& images,
    double const (&sigma)[3]);

}  // namespace qsm::test
