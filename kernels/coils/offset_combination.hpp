/// Sum of coil images whose phase offsets have been removed.
///
/// Each coil sees S_c,e = |S_c,e| exp(i (p_c + common phase)). A rotor R, common to the coils and
/// zero outside a mask, takes the common phase of the reference echo away; what is left of a coil
/// is its offset, smooth in space and weighted by the coil's own signal:
///
///   p~_c = arg( G_sigma * [R S_c,ref] ),    S_e = sum_c |S_c,e| S_c,e exp(-i p~_c)
///   magnitude sqrt|S_e|, phase arg S_e
///
/// Normalising the convolution is not needed, since only its phase is used. Where the rotor comes
/// from is the method: the evolution between two echoes (mcpc3ds.hpp), or a virtual reference coil
/// (virtual_reference.hpp).
#pragma once

#include <vector>

#include "device/buffer.hpp"
#include "math/complex.hpp"
#include "math/gaussian.hpp"

namespace qsm {

/// Memory: E + 2 complex volumes. Cost per coil one smoothing, per coil and echo one pass (3
/// volumes read, 1 written). A non-finite sample counts as zero.
template <class Device>
class OffsetCombination {
 public:
  /// Throws Error{kInvalidArgument, "OPTION_OUT_OF_RANGE"} unless sigma_mm is 1 to 50; it is
  /// nowhere below 3 voxels.
  OffsetCombination(Device const& device, Grid grid, Vec3d voxel_mm, int echoes, double sigma_mm);

  /// The next coil, by its image of the reference echo.
  void begin_coil(Field<Complex const> rotor, Field<Complex const> reference);
  void add(int echo, Field<Complex const> image);  // echo from 0

  /// p~ of the coil begun last [rad, wrapped]; 0 beyond 3 sigma from the mask.
  void offset(Field<float> offset_rad) const;

  /// Phase in [-pi, pi], 0 where nothing was received; both finite.
  void combined(int echo, Field<float> magnitude, Field<float> phase_rad) const;

 private:
  Device const& device_;
  Grid grid_;
  SeparableFilter<Device> smooth_;
  Buffer<Device, Complex> offset_;  // exp(-i p~) of the current coil
  Buffer<Device, Complex> work_;
  std::vector<Buffer<Device, Complex>> sums_;  // S_e
};

}  // namespace qsm
