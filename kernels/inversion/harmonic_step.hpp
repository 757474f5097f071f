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
///   (mu1 E2 + rho + mu2 D^2) x + mu2 D h = p + mu2 D F(z2 - s2) = r,   p = mu1 F(grad^T (z1 - s1))
///   mu2 D x + (mu2 + muh L^2) h          = mu2 F(z2 - s2) + c   = t,   c = muh L F(zh - sh)
/// solved for both at once: the paper takes them in turn and sets x to zero outside M, which is no
/// longer ADMM and wants hundreds of iterations. At long waves L^2 is lost beside mu2 in float, so
/// what cancels is left out before:
///   determinant = (mu1 E2 + rho)(mu2 + muh L^2) + mu2 D^2 muh L^2
///   x = (mu2 (p - D c) + muh L^2 r) / determinant,                                     x(0) = 0
///   h = ((mu1 E2 + rho) t + mu2 D (D c - p)) / determinant
#pragma once

#include "device/field.hpp"
#include "inversion/splitting.hpp"
#include "inversion/tv_step.hpp"
#include "math/dipole.hpp"
#include "math/stencil.hpp"

namespace qsm::harmonic_step {

/// E2; half a spectrum, made once in double.
struct FillSymbol {
  Grid grid;
  Vec3 scale;
  Field<float> squared;
  QSM_HD void operator()(Index3 k) const {
    squared[k] = static_cast<float>(gradient_symbol(k, grid, scale));
  }
};

/// Of the pair {grad^T (z1 - s1), z2 - s2}, which becomes {x, D x + h}, and of the curvature, a
/// real volume with half a spectrum. Where kx = 0 or nx / 2 that holds k and -k, of which one may
/// be all that is visited: both are written.
struct Solve {
  Field<float const> dipole, squared;  // half spectra
  int nx;                              // of the volume
  float mu1, mu2, muh, ridge, scale;   // scale: the transforms' 1/N
  Field<Complex const> wanted;         // zh - sh, half a spectrum
  Field<Complex> curvature;            // L h, half a spectrum
  QSM_HD void operator()(Index3 k, Complex& at, Complex& mirror) const {
    TwoSpectra const first = twice_apart(at, mirror);
    float const unit = 0.5f * scale, d = dipole[k], e2 = squared[k], laplace = -e2;
    Complex const p = (unit * mu1) * first.a, c = (scale * muh * laplace) * wanted[k];
    Complex const r = p + (unit * mu2 * d) * first.b, t = (unit * mu2) * first.b + c;
    float const prior_of_x = mu1 * e2 + ridge, prior_of_h = muh * e2 * e2;
    float const determinant = prior_of_x * (mu2 + prior_of_h) + mu2 * d * d * prior_of_h;
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    float const inverse = dc ? 0.0f : 1 / determinant;
    Complex const x = inverse * (mu2 * (p - d * c) + prior_of_h * r);
    Complex const h = dc ? (1 / mu2) * t : inverse * (prior_of_x * t + (mu2 * d) * (d * c - p));
    pack_spectra({x, d * x + h}, at, mirror);
    Complex const bent = laplace * h;
    curvature[k] = bent;
    if (k.x == 0 || 2 * k.x == nx) {
      Grid const g = curvature.grid;
      curvature[{k.x, k.y == 0 ? 0 : g.ny - k.y, k.z == 0 ? 0 : g.nz - k.z}] = conj(bent);
    }
  }
};

/// The splitting of h, and then those of total variation. 16 bytes more per voxel.
template <class TotalVariation>
struct UpdateSplitting {
  TotalVariation total_variation;    // a tv_step::UpdateSplitting
  Field<std::uint8_t const> inside;  // of the padded grid
  float kept;                        // muh / (muh + beta)
  Field<float> qh;
  Field<float> curvature;  // L h becomes zh - sh

  template <class Index>
  QSM_HD Sums operator()(Index i) const {
    std::size_t const n = qh.grid.linear(i);
    float const share = inside.data[n] ? kept : 1.0f, before = qh.data[n];
    float const r = total_variation.relaxation;
    float const q = r * curvature.data[n] + (1 - r) * share * before + (1 - share) * before;
    qh.data[n] = q;
    curvature.data[n] = (2 * share - 1) * q;  // z - s
    return total_variation(i);
  }
};

/// The misfit of z2, which the model D x + h has come to. Both are told from what is held of them:
/// u = (1 - r) v - r y and z2 - s2 = v + 2 y.
struct MisfitOfSplitting {
  Misfit misfit;
  float relaxation;
  Field<float const> weight, phi, u;
  Field<Complex const> packed;
  QSM_HD double operator()(Index3 i) const {
    float const to_fit = packed[i].im;
    float const y = ((1 - relaxation) * to_fit - u[i]) / (2 - relaxation);
    return misfit_of(misfit, weight[i], to_fit - y - phi[i]);
  }
};

}  // namespace qsm::harmonic_step
