/// The field of a susceptibility distribution in free space.
///
///   delta = d * chi,   d(r) = (hx hy hz) / (4 pi) (3 (b.r)^2 - r^2) / r^5,   Lorentz-corrected
///
/// d is sampled in real space and transformed ("green"), never the k-space dipole an inversion
/// uses: a simulation inverted with its own forward model flatters the inversion. The origin of d
/// is 0 on cubic voxels. On others the lattice sum of the neighbours is not zero, and the origin
/// takes its negative, so that a uniform sphere has no field inside, as it must.
///
/// Cost: 3 real transforms of the padded volume for one field, 2 for each further one.
#pragma once

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "math/vec.hpp"

namespace qsm {

template <class Device>
class ForwardField {
 public:
  /// Padded size of each axis = fast_size(padding * n). The field is that of free space wherever
  /// source and target are at most padding/2 of the field of view apart (2 serves every pair).
  /// `b0` is a unit vector in image axes. Throws Error{kInvalidArgument} on padding < 1.
  ForwardField(Device const& device, Grid grid, Vec3d voxel_mm, Vec3d b0, double padding = 1.75);

  /// chi and field in ppm, of the constructor's grid; chi counts as 0 outside. They may coincide.
  void apply(Field<float const> chi, Field<float> field);

  /// Device bytes an instance holds: 10 per padded voxel.
  static std::size_t memory_bytes(Grid grid, double padding = 1.75);

 private:
  Device const* device_;
  Grid grid_;
  RealFft<Device> fft_;
  Buffer<Device, float> volume_;      // padded
  Buffer<Device, Complex> spectrum_;  // half
  Buffer<Device, float> kernel_;      // half: the spectrum of an even kernel is real; 1/N included
};

}  // namespace qsm
