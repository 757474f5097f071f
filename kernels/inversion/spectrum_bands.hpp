/// What the spectra of a field and of a map say about noise and about smoothing. All of it in the
/// ring 0.65 <= |nu| / nu_N <= 0.95, nu_N = 1 / (2 max h): above most anatomy, below the corners.
///
///   noise_on_cone      sigma^2 = mean |F(phi)|^2 / N  where |D| <= 0.05.  The dipole leaves next
///   to
///                      nothing of any source there, so what stands there is noise.
///   balance_of_bands   A2 / A3, A = mean |F(x)|: A2 where 0.15 < |D| <= 0.30, A3 where
///                      0.35 < |D| <= 0.60.  Anatomy hardly knows the direction of B0; noise
///                      divided by a small D raises A2, smoothing takes A2 away first.
///                      Milovic et al. 2021 MRM (doi 10.1002/mrm.28435), frequency equalisation.
#pragma once

#include <algorithm>
#include <cmath>

#include "device/run_and_sum.hpp"
#include "math/complex.hpp"
#include "math/dipole.hpp"

namespace qsm {

/// Sums of `value(dipole size, X)` over the ring of a full spectrum.
template <class Value>
struct OverRing {
  DipoleKernel dipole;
  Vec3d cycles;  // of one index step, in units of nu_N
  Field<Complex const> spectrum;
  Value value;
  QSM_HD Sums operator()(Index3 k) const {
    Grid const g = spectrum.grid;
    Vec3d const nu = {cycles.x * signed_frequency(k.x, g.nx),
                      cycles.y * signed_frequency(k.y, g.ny),
                      cycles.z * signed_frequency(k.z, g.nz)};
    double const radius = sqrt(dot(nu, nu));
    if (radius < 0.65 || radius > 0.95) return {};
    double const d = dipole(k);
    Complex const s = spectrum[k];
    double const re = static_cast<double>(s.re), im = static_cast<double>(s.im);
    return value(fabs(d), re * re + im * im);
  }
};

template <class Device, class Value>
Sums sum_over_ring(Device const& device, DipoleKernel dipole, Vec3d voxel_mm,
                   Field<Complex const> spectrum, SumScratch<Device>& scratch, Value value) {
  Grid const g = spectrum.grid;
  double const twice_h = 2 * std::max({voxel_mm.x, voxel_mm.y, voxel_mm.z});
  return run_and_sum(
      device, g,
      OverRing<Value>{.dipole = dipole,
                      .cycles = {twice_h / (g.nx * voxel_mm.x), twice_h / (g.ny * voxel_mm.y),
                                 twice_h / (g.nz * voxel_mm.z)},
                      .spectrum = spectrum,
                      .value = value},
      scratch);
}

/// Power (first) and number (second) of the frequencies beside the cone.
struct ConePower {
  QSM_HD Sums operator()(double d, double power) const {
    return d <= 0.05 ? Sums{power, 1} : Sums{};
  }
};

/// sqrt(`power`), or 1 for counting, in A2's band (first) and A3's (second).
struct BandAmplitudes {
  bool count;
  QSM_HD Sums operator()(double d, double power) const {
    double const size = count ? 1.0 : sqrt(power);
    return {d > 0.15 && d <= 0.30 ? size : 0.0, d > 0.35 && d <= 0.60 ? size : 0.0};
  }
};

/// Standard deviation of the noise in a volume of which `spectrum` is the transform and which is
/// zero but for `voxels` of its voxels. 0 where the grid is too small to hold such frequencies.
template <class Device>
double noise_on_cone(Device const& device, DipoleKernel dipole, Vec3d voxel_mm,
                     Field<Complex const> spectrum, double voxels, SumScratch<Device>& scratch) {
  Sums const cone = sum_over_ring(device, dipole, voxel_mm, spectrum, scratch, ConePower{});
  return cone.second > 0 && voxels > 0 ? std::sqrt(cone.first / cone.second / voxels) : 0;
}

/// A2 / A3; 1 for a spectrum that is zero, or so small a grid that a band is empty.
template <class Device>
double balance_of_bands(Device const& device, DipoleKernel dipole, Vec3d voxel_mm,
                        Field<Complex const> spectrum, SumScratch<Device>& scratch) {
  auto const bands = [&](bool count) {
    return sum_over_ring(device, dipole, voxel_mm, spectrum, scratch, BandAmplitudes{count});
  };
  Sums const sum = bands(false), number = bands(true);
  if (sum.first == 0 || sum.second == 0) return 1;
  return (sum.first / number.first) / (sum.second / number.second);
}

}  // namespace qsm
