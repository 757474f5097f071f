#include "support/oracle_dipole.hpp"

#include <cmath>

#include "support/oracle_dft.hpp"

namespace qsm::oracle {
namespace {

double sampled(Voxel k, Size size, Vector h, Vector b) {
  double along = 0, square = 0, length = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    int const axis = static_cast<int>(a);
    double const nu = signed_index(k[axis], size[axis]) / (size[axis] * h[a]);
    along += nu * b[a];
    square += nu * nu;
    length += b[a] * b[a];
  }
  return square == 0 ? 0 : 1.0 / 3 - along * along / (square * length);
}

}  // namespace

Real dipole(Size size, Vector voxel_mm, Vector b0) {
  Real d(size);
  every_voxel(size, [&](Voxel k) {
    Voxel const opposite = {(size.nx - k.i) % size.nx, (size.ny - k.j) % size.ny,
                            (size.nz - k.k) % size.nz};
    d.at(k) = 0.5 * (sampled(k, size, voxel_mm, b0) + sampled(opposite, size, voxel_mm, b0));
  });
  return d;
}

Real dipole_field(Real const& chi, Vector voxel_mm, Vector b0) {
  return multiply_spectrum(chi, dipole(chi.size, voxel_mm, b0));
}

Real thresholded_division(Real const& field, Vector voxel_mm, Vector b0, double threshold,
                          bool truncate) {
  Real inverse = dipole(field.size, voxel_mm, b0);
  for (double& d : inverse.data) {
    if (std::abs(d) > threshold)
      d = 1 / d;
    else
      d = truncate ? 0 : (d < -1e-9 ? -1 : 1) / threshold;
  }
  inverse.data[0] = 0;
  return multiply_spectrum(field, inverse);
}

Real regularized_division(Real const& field, Vector voxel_mm, Vector b0, double lambda,
                          bool gradient) {
  Real inverse = dipole(field.size, voxel_mm, b0);
  double const mean = std::cbrt(voxel_mm[0] * voxel_mm[1] * voxel_mm[2]);
  every_voxel(field.size, [&](Voxel k) {
    double penalty = gradient ? 0 : 1;
    for (std::size_t a = 0; gradient && a < 3; ++a) {
      int const axis = static_cast<int>(a);
      double const half_angle = std::acos(-1.0) * k[axis] / field.size[axis];
      penalty += std::pow(2 * mean / voxel_mm[a] * std::sin(half_angle), 2);
    }
    double const d = inverse.at(k);
    inverse.at(k) = d / (d * d + lambda * penalty);
  });
  inverse.data[0] = 0;
  return multiply_spectrum(field, inverse);
}

}  // namespace qsm::oracle
