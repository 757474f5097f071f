/// The passes of one iteration where the local field still holds some background.
///
///   min_{x,h}  f(D x + h - phi) + alpha |grad x|_1 + (beta / 2) |M L h|^2
///
/// h: what background removal left, whose sources are outside the map, so that its Laplacian L h is
/// next to zero in the mask M (weak-harmonic QSM, Milovic et al. 2019 MRM, doi 10.1002/mrm.27483).
/// Splittings z1 = grad x (mu1), z2 = D x + h (mu2), zh = L h (muh), held as tv_step.hpp holds its
/// own; zh's minimum is linear, z = q / (1 + beta / muh) in M and q outside.
///
/// (x, h)-update, per frequency, E2 = |e|^2 of the gradient's symbol and L = -E2:
///   (mu1 E2 + rho + mu2 D^2) x + mu2 D h = mu1 F(grad^T (z1 - s1)) + mu2 D F(z2 - s2)  = r
///   mu2 D x + (mu2 + muh L^2) h    = mu2 F(z2 - s2) + muh L F(zh - sh)          = t
/// solved for both at once: the paper takes them in turn and sets x to zero outside M, which is no
/// longer ADMM and wants hundreds of iterations.
///   determinant = (mu1 E2 + rho)(mu2 + muh L^2) + mu2 D^2 muh L^2,   a sum of positive terms; x(0)
///   = 0
#pragma once

#include "device/field.hpp"
#include "inversion/splitting.hpp"
#include "inversion/tv_step.hpp"
#include "math/dipole.hpp"
#include "math/stencil.hpp"

namespace qsm::harmonic_step {

/// Two complex volumes: {x, D x + h} and {L h, h} after the update; {grad^T (z1 - s1), z2 - s2} and
/// {zh - sh, -} before it.
struct Packed {
  Field<Complex> map, background;
};

/// E2; half a spectrum, made once in double.
struct FillSymbol {
  Grid grid;
  Vec3 scale;
  Field<float> squared;
  QSM_HD void operator()(Index3 k) const {
    squared[k] = static_cast<float>(gradient_symbol(k, grid, scale));
  }
};

struct Solve {
  Field<float const> dipole, squared;  // half spectra
  float mu1, mu2, muh, ridge, scale;   // scale: the transforms' 1/N
  Packed packed;
  QSM_HD void operator()(Index3 k, std::size_t at, std::size_t mirror) const {
    Complex& map = packed.map.data[at];
    Complex& map_mirror = packed.map.data[mirror];
    Complex& background = packed.background.data[at];
    Complex& background_mirror = packed.background.data[mirror];
    TwoSpectra const first = twice_apart(map, map_mirror);
    Complex const curvature = twice_apart(background, background_mirror).a;
    float const unit = 0.5f * scale, d = dipole[k], e2 = squared[k], laplace = -e2;
    Complex const r = (unit * mu1) * first.a + (unit * mu2 * d) * first.b;
    Complex const t = (unit * mu2) * first.b + (unit * muh * laplace) * curvature;
    float const of_x = mu1 * e2 + ridge + mu2 * d * d, of_h = mu2 + muh * e2 * e2, both = mu2 * d;
    float const determinant = (mu1 * e2 + ridge) * of_h + mu2 * d * d * (muh * e2 * e2);
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    float const inverse = dc ? 0.0f : 1 / determinant;
    Complex const x = inverse * (of_h * r - both * t);
    Complex const h = dc ? (1 / mu2) * t : inverse * (of_x * t - both * r);
    pack_spectra({x, d * x + h}, map, map_mirror);
    pack_spectra({laplace * h, h}, background, background_mirror);
  }
};

/// The splitting of h, and then those of total variation. 16 bytes more per voxel.
template <Misfit kMisfit, bool kEdges>
struct UpdateSplitting {
  tv_step::UpdateSplitting<kMisfit, kEdges> total_variation;
  Field<std::uint8_t const> inside;  // of the padded grid
  float kept;                        // muh / (muh + beta)
  Field<float> qh;
  Field<Complex> background;

  template <class Index>
  QSM_HD Sums operator()(Index i) const {
    std::size_t const n = background.grid.linear(i);
    float const share = inside.data[n] ? kept : 1.0f, before = qh.data[n];
    float const r = total_variation.relaxation;
    float const q = r * background.data[n].re + (1 - r) * share * before + (1 - share) * before;
    qh.data[n] = q;
    background.data[n].re = (2 * share - 1) * q;  // z - s
    return total_variation(i);
  }
};

struct LoadMask {
  Field<std::uint8_t const> mask;
  Window window;
  Field<std::uint8_t> inside;
  QSM_HD void operator()(Index3 i) const {
    inside[i] = window.grid.contains(i) && mask[i + window.origin];
  }
};

}  // namespace qsm::harmonic_step
