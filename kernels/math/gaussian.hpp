/// Separable smoothing along x, y and z with short symmetric kernels.
///
///   (B u)[n] = sum_t w_t u[n + t] / sum_t w_t,   both sums over the taps inside the volume,
///
/// per axis, so constants pass unchanged up to the border. The numerator is self-adjoint; a
/// normalised convolution over a mask, B(m u) / B(m), needs no border rule at all.
#pragma once

#include <vector>

#include "device/buffer.hpp"
#include "device/field.hpp"
#include "math/complex.hpp"
#include "math/vec.hpp"

namespace qsm {

/// w_0 .. w_R of a true Gaussian cut at R = ceil(3 sigma): exp(-t^2 / 2 sigma^2). sigma in voxels;
/// 0 gives the identity.
std::vector<float> gaussian_taps(double sigma_voxels);

/// w_0 .. w_R of a moving average over 2 R + 1 voxels.
std::vector<float> box_taps(int radius);

/// One object per volume size; holds the taps on the device.
/// Cost: three passes of 2 R + 1 multiply-adds per value, run over rows so that they vectorise:
/// sigma = 10 voxels, 160x192x144 complex, 0.32 s on one core.
template <class Device>
class SeparableFilter {
 public:
  /// taps[axis] holds w_0 .. w_R of that axis, w_0 > 0.
  SeparableFilter(Device const& device, Grid grid, std::vector<float> const& x,
                  std::vector<float> const& y, std::vector<float> const& z);

  /// A Gaussian of sigma_mm along every axis, but nowhere below `min_sigma_voxels`.
  static SeparableFilter gaussian(Device const& device, Grid grid, Vec3d voxel_mm, double sigma_mm,
                                  double min_sigma_voxels = 0);

  /// out = B in, and `in` is overwritten: it serves as the work space.
  void run(Field<float> in, Field<float> out) const;
  void run(Field<Complex> in, Field<Complex> out) const;

 private:
  struct Axis {
    Buffer<Device, float> taps;   // w_0 .. w_R
    Buffer<Device, float> scale;  // per position, 1 / the weight inside the volume
  };
  Axis make_axis(int extent, std::vector<float> const& taps) const;
  void pass(int axis, int components, float const* in, float* out) const;

  Device const& device_;
  Grid grid_;
  Axis axes_[3];
};

}  // namespace qsm
