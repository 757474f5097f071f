/// The field of a susceptibility distribution in k-space.
///
///   field = F^-1( D F(chi) ),   D(nu) = 1/3 - (nu.b)^2 / |nu|^2,   D(0) = 0
///
/// field and chi relative (ppm), b the direction of B0 in voxel axes, nu_i = kappa_i / (N_i h_i)
/// the spatial frequency of the signed index kappa_i. Salomir et al. 2003; Marques and Bowtell
/// 2005. D is in [-2/3, 1/3]. D(0) = 0 is a choice: susceptibility and field are known up to a
/// constant.
///
/// A real multiplier of a half spectrum must have K[k] = K[-k mod N] everywhere. Sampled with
/// oblique b D has not on the planes kappa_i = -N_i / 2 of even axes (10 % of a white-noise
/// volume's field), so it is averaged with its mirrored index there, which is what a complex
/// transform of which only the real part is kept does by itself.
#pragma once

#include <algorithm>

#include "device/error.hpp"
#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

struct DipoleKernel {
  Grid grid;
  Vec3d step;  // 1 / (N_i h_i), divided by the largest of the three: only ratios matter
  Vec3d b;     // unit vector

  /// D at an index of the full or of the half spectrum.
  QSM_HD double operator()(Index3 k) const {
    if (k.x == 0 && k.y == 0 && k.z == 0) return 0;
    bool const edge_x = 2 * k.x == grid.nx;
    bool const edge_y = 2 * k.y == grid.ny;
    bool const edge_z = 2 * k.z == grid.nz;
    Vec3d const nu = {step.x * signed_frequency(k.x, grid.nx),
                      step.y * signed_frequency(k.y, grid.ny),
                      step.z * signed_frequency(k.z, grid.nz)};
    double const d = sampled(nu);
    if (!(edge_x || edge_y || edge_z)) return d;
    // D is even, so -kappa with its edges back at -N/2 equals kappa with its edges at +N/2.
    return 0.5 *
           (d + sampled({edge_x ? -nu.x : nu.x, edge_y ? -nu.y : nu.y, edge_z ? -nu.z : nu.z}));
  }

  QSM_HD double sampled(Vec3d nu) const {
    double const along = dot(nu, b);
    return 1.0 / 3.0 - along * along / dot(nu, nu);
  }
};

/// Throws Error{kInvalidArgument}: INVALID_B0_DIRECTION, INVALID_VOXEL_SIZE.
inline DipoleKernel dipole_kernel(Grid grid, Vec3d voxel_mm, Vec3d b0_direction) {
  double const length = std::sqrt(dot(b0_direction, b0_direction));
  require(std::isfinite(length) && length > 1e-6, "INVALID_B0_DIRECTION",
          "the direction of B0 must be a finite vector other than zero");
  require(
      voxel_mm.x > 0 && voxel_mm.y > 0 && voxel_mm.z > 0 && std::isfinite(dot(voxel_mm, voxel_mm)),
      "INVALID_VOXEL_SIZE", "voxel edges must be positive and finite");
  Vec3d const fov = {grid.nx * voxel_mm.x, grid.ny * voxel_mm.y, grid.nz * voxel_mm.z};
  double const shortest = std::min({fov.x, fov.y, fov.z});
  return {grid, {shortest / fov.x, shortest / fov.y, shortest / fov.z}, normalized(b0_direction)};
}

/// field = D chi, periodic, on grids of any size; its own adjoint. Two real transforms.
template <class Device>
void apply_dipole(Device const& device, Vec3d voxel_mm, Vec3d b0_direction, Field<float const> chi,
                  Field<float> field);

}  // namespace qsm
