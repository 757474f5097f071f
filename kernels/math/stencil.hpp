/// Periodic finite differences on anisotropic voxels.
///
///   (grad_i x)[n] = a_i (x[n + e_i] - x[n]),   a_i = (hx hy hz)^(1/3) / h_i
///   (grad^T p)[n] = sum_i a_i (p_i[n - e_i] - p_i[n])
///   grad^T grad <-> |E|^2(k) = sum_i a_i^2 4 sin^2(pi k_i / N_i)
///
/// a_i = 1 for isotropic voxels, so that published regularisation weights carry over.
#pragma once

#include <type_traits>

#include "device/field.hpp"
#include "math/vec.hpp"

namespace qsm {

/// a_i of the header; (1, 1, 1) reproduces programs that ignore anisotropy.
inline Vec3 gradient_scale(Vec3d voxel_mm) {
  double const mean = std::cbrt(voxel_mm.x * voxel_mm.y * voxel_mm.z);
  return {static_cast<float>(mean / voxel_mm.x), static_cast<float>(mean / voxel_mm.y),
          static_cast<float>(mean / voxel_mm.z)};
}

/// The neighbour one voxel up (step +1) or down (-1) along `axis`, around the border.
template <class Index>
QSM_HD Index3 neighbour(Grid g, Index i, int axis, int step) {
  auto const around = [step](int c, int n) {
    c += step;  // and no branch, which would stay in the row loop
    return c + n * (static_cast<int>(c < 0) - static_cast<int>(c >= n));
  };
  if (axis == 1) return {i.x, around(i.y, g.ny), i.z};
  if (axis == 2) return {i.x, i.y, around(i.z, g.nz)};
  if constexpr (std::is_same_v<Index, InnerIndex3>)
    return {i.x + step, i.y, i.z};
  else
    return {around(i.x, g.nx), i.y, i.z};
}

QSM_HD float forward_difference(Field<float const> x, Index3 i, int axis, float scale) {
  return scale * (x[neighbour(x.grid, i, axis, 1)] - x[i]);
}

/// |E|^2 at an index of the full or of the half spectrum of `g`.
QSM_HD double gradient_symbol(Index3 k, Grid g, Vec3 scale) {
  auto const along = [](int kappa, int n, float a) {
    double const s = 2 * static_cast<double>(a) * sin(std::numbers::pi * kappa / n);
    return s * s;
  };
  return along(k.x, g.nx, scale.x) + along(k.y, g.ny, scale.y) + along(k.z, g.nz, scale.z);
}

/// One term of grad^T p.
QSM_HD float adjoint_difference(Field<float const> p, Index3 i, int axis, float scale) {
  return scale * (p[neighbour(p.grid, i, axis, -1)] - p[i]);
}

}  // namespace qsm
