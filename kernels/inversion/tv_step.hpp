/// The passes of one total-variation iteration (variational.hpp has the functional).
///
/// ADMM in scaled form, state after the x-update: x and D x, packed as one complex volume.
///   gradient:  q = r grad x + (1 - r) z1 + s1;   s1 <- clamp(q, theta);   z1 <- q - s1
///   field:     v = r D x + u;   y the misfit's step from v;   z2 = v + y, s2 = -y;
///              u <- (1 - r) z2 + s2 = (1 - r) v - r y
///   x-update:  X = (mu1 F(grad^T (z1 - s1)) + mu2 D F(z2 - s2)) / (mu2 D^2 + mu1 |E|^2 + rho),
///             X(0) = 0
///
/// r is the over-relaxation, theta = alpha / mu1, or 0 across an edge. Only q is stored of the
/// gradient's splitting: s1 = clamp(q), z1 - s1 = q - 2 clamp(q). Only u of the field's, for
/// z2 - s2 = v + 2 y. Both right-hand sides are real, so they travel as the real and the imaginary
/// part of one complex transform, and x and D x come back the same way.
#pragma once

#include "device/field.hpp"
#include "device/run_and_sum.hpp"
#include "inversion/splitting.hpp"
#include "math/complex.hpp"
#include "math/dipole.hpp"
#include "math/stencil.hpp"

namespace qsm::tv_step {

/// The reciprocal of the normal equation's diagonal, with the transforms' 1/N in it; 0 at DC. Half
/// a spectrum, made once in double.
struct FillInverse {
  DipoleKernel dipole;
  Vec3 scale;  // of the gradients
  double mu1, mu2, ridge;
  Field<float> inverse;
  QSM_HD void operator()(Index3 k) const {
    Grid const g = dipole.grid;
    double const d = dipole(k);
    double const e = gradient_symbol(k, g, scale);
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    inverse[k] = dc ? 0.0f
                    : static_cast<float>(
                          1.0 / ((mu2 * d * d + mu1 * e + ridge) * static_cast<double>(g.size())));
  }
};

/// The x-update, of the spectrum at k and -k. 4 bytes of multipliers per voxel.
struct SolvePacked {
  Field<float const> dipole, inverse;
  float mu1, mu2;
  QSM_HD void operator()(Index3 k, Complex& at, Complex& mirror) const {
    TwoSpectra const twice = twice_apart(at, mirror);
    float const d = dipole[k];
    Complex const x = (0.5f * inverse[k]) * (mu1 * twice.a + (mu2 * d) * twice.b);
    pack_spectra({x, d * x}, at, mirror);
  }
};

/// What a face lets through: theta times 0 across an edge.
template <bool kEdges>
struct Faces {
  Shrinkage shrinkage;
  Field<std::uint8_t const> edges;  // bit i: total variation is not charged towards n + e_i
  QSM_HD float charged(std::size_t n, int axis) const {
    if constexpr (kEdges)
      return static_cast<float>(1 - ((edges.data[n] >> axis) & 1));
    else
      return 1;
  }
  QSM_HD float multiplier(float q, std::size_t n, int axis) const {
    return shrinkage.multiplier(q, charged(n, axis));
  }
  QSM_HD float reflected(float q, std::size_t n, int axis) const {
    return shrinkage.reflected(q, charged(n, axis));
  }
};

/// Both splittings at once: q, u, and the imaginary part D x <- z2 - s2. Keeps x, for the real part
/// is soon overwritten, and returns |x|^2 and |x - previous x|^2 of the voxel.
///
/// Writes imaginary parts while neighbours read real ones, which are never written here. Every load
/// comes before the first store, behind which the compiler may move none: on a GPU they are then in
/// flight together (0.45 instead of 1.23 ms). 40 bytes read and 24 written per voxel.
template <Misfit kMisfit, bool kEdges>
struct UpdateSplitting {
  Vec3 scale;
  Faces<kEdges> faces;
  float mu2;
  float relaxation;  // r
  Field<float const> phi, weight;
  Three<float> q;
  Field<float> u, x;
  Field<Complex> packed;

  template <class Index>
  QSM_HD Sums operator()(Index i) const {
    Grid const g = packed.grid;
    std::size_t const n = g.linear(i);
    float const up[3] = {packed[neighbour(g, i, 0, 1)].re, packed[neighbour(g, i, 1, 1)].re,
                         packed[neighbour(g, i, 2, 1)].re};
    Complex const here = packed.data[n];
    Vec3 const before = {q.x.data[n], q.y.data[n], q.z.data[n]};
    Vec3 const s1 = {faces.multiplier(before.x, n, 0), faces.multiplier(before.y, n, 1),
                     faces.multiplier(before.z, n, 2)};
    float const previous = x.data[n], w = weight.data[n], phase = phi.data[n], held = u.data[n];

    q.x.data[n] = relaxed(scale.x * (up[0] - here.re), before.x, s1.x, relaxation);
    q.y.data[n] = relaxed(scale.y * (up[1] - here.re), before.y, s1.y, relaxation);
    q.z.data[n] = relaxed(scale.z * (up[2] - here.re), before.z, s1.z, relaxation);
    x.data[n] = here.re;
    FieldStep const field = field_step<kMisfit>(here.im, held, w, phase, mu2, relaxation);
    u.data[n] = field.held;
    packed.data[n].im = field.to_fit;
    return squares(here.re, previous);
  }
};

/// Real part: x <- grad^T (z1 - s1).
template <bool kEdges>
struct TakeDivergence {
  Three<float const> q;
  Vec3 scale;
  Faces<kEdges> faces;
  Field<Complex> packed;
  template <class Index>
  QSM_HD float along(int axis, Field<float const> const& component, Index i) const {
    Grid const g = component.grid;
    std::size_t const below = g.linear(neighbour(g, i, axis, -1)), n = g.linear(i);
    return scale[axis] * (faces.reflected(component.data[below], below, axis) -
                          faces.reflected(component.data[n], n, axis));
  }
  template <class Index>
  QSM_HD void operator()(Index i) const {
    packed[i] = {along(0, q.x, i) + along(1, q.y, i) + along(2, q.z, i), packed[i].im};
  }
};

}  // namespace qsm::tv_step
