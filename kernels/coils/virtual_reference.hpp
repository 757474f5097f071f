/// Virtual reference coil, for scans of one echo (Parker et al. 2014 MRM 72:563).
///
/// With one echo nothing tells a coil's offset from the object's phase, so the coils are referred
/// to a virtual one V (virtual_coil.hpp), and each coil's offset to it is smooth:
///   p~_c = arg( G_sigma * [S_c conj V] ),   then as offset_combination.hpp.
///
/// The phase of V itself stays in the result: smooth over the head, and so a background field.
///
///   per coil: observe(image);  choose_voxel()
///   per coil: add_reference(image)
///   per coil: begin_coil(image), add(0, image)
#pragma once

#include "coils/offset_combination.hpp"
#include "coils/virtual_coil.hpp"
#include "device/buffer.hpp"

namespace qsm {

/// Memory: 4 complex volumes, one float volume. Cost: three passes over the coils, one smoothing
/// each. A non-finite sample counts as zero. Works with one coil.
template <class Device>
class VirtualReference {
 public:
  /// Throws Error{kInvalidArgument, "OPTION_OUT_OF_RANGE"} as OffsetCombination.
  VirtualReference(Device const& device, Grid grid, Vec3d voxel_mm, double sigma_mm)
      : coil_(device, grid), sum_(device, grid, voxel_mm, 1, sigma_mm) {}

  // As VirtualCoil's.
  void observe(Field<Complex const> image) { coil_.observe(image); }
  Index3 choose_voxel() { return coil_.choose_voxel(); }
  void add_reference(Field<Complex const> image) { coil_.add(image); }

  // As OffsetCombination's.
  void begin_coil(Field<Complex const> image) { sum_.begin_coil(conj_v(), image); }
  void add(int echo, Field<Complex const> image) { sum_.add(echo, image); }
  void combined(int echo, Field<float> magnitude, Field<float> phase_rad) const {
    sum_.combined(echo, magnitude, phase_rad);
  }

 private:
  Field<Complex const> conj_v() const { return coil_.conjugate(); }

  VirtualCoil<Device> coil_;
  OffsetCombination<Device> sum_;
};

}  // namespace qsm
