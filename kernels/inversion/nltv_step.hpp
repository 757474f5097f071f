/// The passes of one nonlinear-TV iteration (nltv.hpp has the functional).
///
/// ADMM in scaled form, state after the x-update: x and D x, packed as one complex volume.
///   gradient:  q = r grad x + (1 - r) z1 + s1;   s1 <- clamp(q, alpha / mu1);   z1 <- q - s1
///   field:     v = r D x + u;   y the proximal step of the phase misfit;   z2 = v + y, s2 = -y;
///              u <- (1 - r) z2 + s2 = (1 - r) v - r y
///   x-update:  X = (mu1 F(grad^T (z1 - s1)) + mu2 D F(z2 - s2)) / (mu2 D^2 + mu1 |E|^2),  X(0) = 0
///
/// r is the over-relaxation. Only q is stored of the gradient's splitting: s1 = clamp(q),
/// z1 - s1 = q - 2 clamp(q). Only u of the field's, for z2 - s2 = v + 2 y. Both right-hand sides
/// are real, so they travel as the real and the imaginary part of one complex transform, and x and
/// D x come back the same way.
#pragma once

#include "device/field.hpp"
#include "device/run_and_sum.hpp"
#include "math/complex.hpp"
#include "math/dipole.hpp"
#include "math/prox.hpp"
#include "math/shrink.hpp"
#include "math/stencil.hpp"

namespace qsm::nltv_step {

template <class T>
struct Three {
  Field<T> x, y, z;
};

/// D and the reciprocal of the normal equation's diagonal, with the transforms' 1/N in it; 0 at DC.
/// Half spectra, made once in double.
struct FillMultipliers {
  DipoleKernel dipole;
  Vec3 scale;  // of the gradients
  double mu1, mu2;
  Field<float> dipole_out, inverse_out;
  QSM_HD void operator()(Index3 k) const {
    Grid const g = dipole.grid;
    double const d = dipole(k);
    double const e = gradient_symbol(k, g, scale);
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    dipole_out[k] = static_cast<float>(d);
    inverse_out[k] =
        dc ? 0.0f
           : static_cast<float>(1.0 / ((mu2 * d * d + mu1 * e) * static_cast<double>(g.size())));
  }
};

/// The x-update, of the spectrum at k and -k. P = F(a + i b) with a, b real: A = (P[k] + conj
/// P[-k]) / 2, B = (P[k] - conj P[-k]) / 2i. 4 bytes of multipliers per voxel.
struct SolvePacked {
  Field<float const> dipole, inverse;
  float mu1, mu2;
  QSM_HD void operator()(Index3 k, Complex& at, Complex& mirror) const {
    Complex const p = at, r = conj(mirror);
    Complex const twice_a = p + r;
    Complex const twice_b = {p.im - r.im, r.re - p.re};
    float const d = dipole[k];
    Complex const x = (0.5f * inverse[k]) * (mu1 * twice_a + (mu2 * d) * twice_b);
    Complex const dx = d * x;
    at = {x.re - dx.im, x.im + dx.re};
    mirror = {x.re + dx.im, dx.re - x.im};
  }
};

/// Both splittings at once: q, u, and the imaginary part D x <- z2 - s2. Voxels without data
/// (W = 0) have y = 0. Keeps x, for the real part is soon overwritten, and returns |x|^2
/// and |x - previous x|^2 of the voxel.
///
/// Writes imaginary parts while neighbours read real ones, which are never written here. Every load
/// comes before the first store, behind which the compiler may move none: on a GPU they are then in
/// flight together (0.45 instead of 1.23 ms). 40 bytes read and 24 written per voxel.
/// kLinear: the quadratic misfit (W / 2)(z - phi)^2 in place of the cosine.
template <bool kLinear>
struct UpdateSplitting {
  Vec3 scale;
  float threshold;  // alpha / mu1
  float mu2;
  float relaxation;  // r
  Field<float const> phi, weight;
  Three<float> q;
  Field<float> u, x;
  Field<Complex> packed;

  /// q of one axis from the slope of x and the q before.
  QSM_HD float relaxed(float slope, float before) const {
    float const s1 = clamp(before, threshold), z1 = before - s1;
    return relaxation * slope + (1 - relaxation) * z1 + s1;
  }

  template <class Index>
  QSM_HD Sums operator()(Index i) const {
    Grid const g = packed.grid;
    std::size_t const n = g.linear(i);
    float const up[3] = {packed[neighbour(g, i, 0, 1)].re, packed[neighbour(g, i, 1, 1)].re,
                         packed[neighbour(g, i, 2, 1)].re};
    Complex const here = packed.data[n];
    Vec3 const before = {q.x.data[n], q.y.data[n], q.z.data[n]};
    float const previous = x.data[n], w = weight.data[n], phase = phi.data[n], held = u.data[n];

    q.x.data[n] = relaxed(scale.x * (up[0] - here.re), before.x);
    q.y.data[n] = relaxed(scale.y * (up[1] - here.re), before.y);
    q.z.data[n] = relaxed(scale.z * (up[2] - here.re), before.z);
    x.data[n] = here.re;
    float const v = relaxation * here.im + held;
    float const misfit = phase - v;
    float const y = kLinear ? w * misfit / (w + mu2) : prox_phase(w, wrap(misfit), mu2);
    u.data[n] = (1 - relaxation) * v - relaxation * y;
    packed.data[n].im = v + 2 * y;
    float const change = here.re - previous;
    return {static_cast<double>(here.re) * static_cast<double>(here.re),
            static_cast<double>(change) * static_cast<double>(change)};
  }
};

/// Real part: x <- grad^T (z1 - s1).
struct TakeDivergence {
  Three<float const> q;
  Vec3 scale;
  float threshold;
  Field<Complex> packed;
  template <class Index>
  QSM_HD float along(int axis, Field<float const> const& component, Index i) const {
    float const down = component[neighbour(component.grid, i, axis, -1)];
    float const here = component[i];
    return scale[axis] *
           ((down - 2 * clamp(down, threshold)) - (here - 2 * clamp(here, threshold)));
  }
  template <class Index>
  QSM_HD void operator()(Index i) const {
    packed[i] = {along(0, q.x, i) + along(1, q.y, i) + along(2, q.z, i), packed[i].im};
  }
};

}  // namespace qsm::nltv_step
