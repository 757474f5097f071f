/// The passes of one iteration with second-order total generalised variation.
///
///   min_{x,v}  f(D x - phi) + alpha |grad x - v|_1 + 2 alpha |sym grad v|_1     (Frobenius: the
///   six components of the symmetric gradient, those off the diagonal twice)
///     Bredies et al. 2010 SIAM J Imaging Sci 3:492; with the phase's misfit Milovic et al. 2018.
///
/// Splittings z1 = grad x - v (penalty mu1), z0 = sym grad v (mu0 = 2 mu1), z2 = D x (mu2), held as
/// tv_step.hpp holds its own; both thresholds are alpha / mu1.
///
/// (x, v)-update, per frequency: with e_i the symbol of grad_i, E2 = |e|^2, and the right-hand
/// sides
///   r0 = mu1 F(grad^T p1) + mu2 D F(z2 - s2)
///   r_i = -mu1 F(p1_i) + mu0 F(sum_j grad_j^T p0_ij),      p = z - s
/// the block of v is a multiple of one plus a dyad, (mu1 + mu0 E2 / 2) 1 + (mu0 / 2) e e^H, which
/// Sherman and Morrison invert in closed form. Eliminating v leaves with h = mu1 + mu0 E2
///   x = (r0 + mu1 e^H r / h) / (mu2 D^2 + mu1 mu0 E2^2 / h + rho),                        x(0) = 0
///   v_i = (r_i - (mu0 / 2h) e_i e^H r) / (mu1 + mu0 E2 / 2) + mu1 e_i x / h
/// No difference of large numbers, so that float will do; references store or factor a 4 x 4
/// system per frequency, in double.
#pragma once

#include "device/field.hpp"
#include "inversion/splitting.hpp"
#include "math/stencil.hpp"

namespace qsm::tgv_step {

/// xx, yy, zz, xy, xz, yz
template <class T>
struct Six {
  Field<T> xx, yy, zz, xy, xz, yz;
};

/// Three complex volumes: {x, D x}, {v_x, v_y}, {v_z, -} after the update; {grad^T p1, z2 - s2},
/// {r_x, r_y}, {r_z, -} before it.
struct Packed {
  Field<Complex> map, slope, rest;
};

/// a_i (exp(2 pi i k / n) - 1) for every k of an axis.
struct FillSymbol {
  double scale;
  Field<Complex> symbol;
  QSM_HD void operator()(Index3 i) const {
    double const angle = 2 * std::numbers::pi * i.x / symbol.grid.nx;
    double const half = sin(angle / 2);  // cos(angle) - 1 = -2 sin^2(angle / 2)
    symbol[i] = {static_cast<float>(-2 * scale * half * half),
                 static_cast<float>(scale * sin(angle))};
  }
};

/// The (x, v)-update of a pair of frequencies, called with their places in the volumes.
struct Solve {
  Field<float const> dipole;  // half spectrum
  Three<Complex const> symbol;
  float mu0, mu1, mu2, ridge, scale;  // scale: the transforms' 1/N
  Packed packed;
  QSM_HD void operator()(Index3 k, std::size_t at, std::size_t mirror) const {
    Complex& map = packed.map.data[at];
    Complex& map_mirror = packed.map.data[mirror];
    Complex& slope = packed.slope.data[at];
    Complex& slope_mirror = packed.slope.data[mirror];
    Complex& rest = packed.rest.data[at];
    Complex& rest_mirror = packed.rest.data[mirror];
    TwoSpectra const first = twice_apart(map, map_mirror);
    TwoSpectra const second = twice_apart(slope, slope_mirror);
    Complex const third = twice_apart(rest, rest_mirror).a;
    float const unit = 0.5f * scale;
    Complex const r[3] = {unit * second.a, unit * second.b, unit * third};
    Complex const e[3] = {symbol.x.data[k.x], symbol.y.data[k.y], symbol.z.data[k.z]};
    float const e2 = norm(e[0]) + norm(e[1]) + norm(e[2]);
    float const d = dipole[k], h = mu1 + mu0 * e2;
    Complex const along = conj(e[0]) * r[0] + conj(e[1]) * r[1] + conj(e[2]) * r[2];
    Complex const r0 = (unit * mu1) * first.a + (unit * mu2 * d) * first.b;
    float const diagonal = ridge + mu2 * d * d + mu1 * mu0 * e2 * (e2 / h);
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    Complex const x = (dc ? 0.0f : 1 / diagonal) * (r0 + (mu1 / h) * along);
    float const inverse = 1 / (mu1 + 0.5f * mu0 * e2);
    Complex const common = (-0.5f * mu0 / h * inverse) * along + (mu1 / h) * x;
    Complex v[3];
    for (int i = 0; i < 3; ++i) v[i] = inverse * r[i] + e[i] * common;
    pack_spectra({x, d * x}, map, map_mirror);
    pack_spectra({v[0], v[1]}, slope, slope_mirror);
    pack_spectra({v[2], {}}, rest, rest_mirror);
  }
};

/// All splittings at once, as tv_step::UpdateSplitting, which has the reasons for its order.
/// 76 bytes read and 52 written per voxel.
template <Misfit kMisfit>
struct UpdateSplitting {
  Vec3 scale;
  Shrinkage shrinkage;
  float mu2, relaxation;
  Field<float const> phi, weight;
  Packed packed;
  Three<float> q1;
  Six<float> q0;
  Field<float> u, x;

  template <class Index>
  QSM_HD Sums operator()(Index i) const {
    Grid const g = x.grid;
    std::size_t const n = g.linear(i);
    std::size_t const up[3] = {g.linear(neighbour(g, i, 0, 1)), g.linear(neighbour(g, i, 1, 1)),
                               g.linear(neighbour(g, i, 2, 1))};
    Complex const here = packed.map.data[n];
    Vec3 const v = slope(n), beside_x = slope(up[0]), beside_y = slope(up[1]),
               beside_z = slope(up[2]);
    Vec3 const change = {scale.x * (packed.map.data[up[0]].re - here.re),
                         scale.y * (packed.map.data[up[1]].re - here.re),
                         scale.z * (packed.map.data[up[2]].re - here.re)};
    float const previous = x.data[n], w = weight.data[n], phase = phi.data[n], held = u.data[n];

    step(q1.x, n, change.x - v.x);
    step(q1.y, n, change.y - v.y);
    step(q1.z, n, change.z - v.z);
    step(q0.xx, n, scale.x * (beside_x.x - v.x));
    step(q0.yy, n, scale.y * (beside_y.y - v.y));
    step(q0.zz, n, scale.z * (beside_z.z - v.z));
    step(q0.xy, n, 0.5f * (scale.x * (beside_x.y - v.y) + scale.y * (beside_y.x - v.x)));
    step(q0.xz, n, 0.5f * (scale.x * (beside_x.z - v.z) + scale.z * (beside_z.x - v.x)));
    step(q0.yz, n, 0.5f * (scale.y * (beside_y.z - v.z) + scale.z * (beside_z.y - v.y)));
    x.data[n] = here.re;
    FieldStep const field = field_step<kMisfit>(here.im, held, w, phase, mu2, relaxation);
    u.data[n] = field.held;
    packed.map.data[n].im = field.to_fit;
    return squares(here.re, previous);
  }

 private:
  QSM_HD Vec3 slope(std::size_t n) const {
    return {packed.slope.data[n].re, packed.slope.data[n].im, packed.rest.data[n].re};
  }
  QSM_HD void step(Field<float> const& q, std::size_t n, float value) const {
    float const before = q.data[n];
    q.data[n] = relaxed(value, before, shrinkage.multiplier(before), relaxation);
  }
};

/// The right-hand sides in real space.
struct TakeAdjoints {
  Vec3 scale;
  Shrinkage shrinkage;
  float mu0, mu1;
  Three<float const> q1;
  Six<float const> q0;
  Packed packed;

  template <class Index>
  QSM_HD void operator()(Index i) const {
    Grid const g = q1.x.grid;
    std::size_t const n = g.linear(i);
    std::size_t const down[3] = {g.linear(neighbour(g, i, 0, -1)), g.linear(neighbour(g, i, 1, -1)),
                                 g.linear(neighbour(g, i, 2, -1))};
    auto const p = [&](Field<float const> const& q, std::size_t m) {
      return shrinkage.reflected(q.data[m]);
    };
    auto const x = [&](Field<float const> const& q) { return scale.x * (p(q, down[0]) - p(q, n)); };
    auto const y = [&](Field<float const> const& q) { return scale.y * (p(q, down[1]) - p(q, n)); };
    auto const z = [&](Field<float const> const& q) { return scale.z * (p(q, down[2]) - p(q, n)); };
    packed.map.data[n].re = x(q1.x) + y(q1.y) + z(q1.z);
    packed.slope.data[n] = {mu0 * (x(q0.xx) + y(q0.xy) + z(q0.xz)) - mu1 * p(q1.x, n),
                            mu0 * (x(q0.xy) + y(q0.yy) + z(q0.yz)) - mu1 * p(q1.y, n)};
    packed.rest.data[n] = {mu0 * (x(q0.xz) + y(q0.yz) + z(q0.zz)) - mu1 * p(q1.z, n), 0.0f};
  }
};

}  // namespace qsm::tgv_step
