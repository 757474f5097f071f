/// Virtual reference coil, for scans of one echo (Parker et al. 2014 MRM 72:563).
///
/// With one echo nothing tells a coil's offset from the object's phase, so the coils are referred
/// to one another: aligned at the voxel r that the weakest coil there sees best, their sum
///
///   V = sum_c S_c exp(-i arg S_c(r))
///
/// is a coil that has signal everywhere, and each coil's offset to it is smooth:
///   p~_c = arg( G_sigma * [S_c conj V] ),   then as offset_combination.hpp.
///
/// The phase of V itself stays in the result: smooth over the head, and so a background field.
///
///   per coil: observe(image);  choose_voxel()
///   per coil: add_reference(image)
///   per coil: begin_coil(image), add(0, image)
#pragma once

#include "coils/offset_combination.hpp"
#include "device/buffer.hpp"

namespace qsm {

/// Memory: 4 complex volumes, one float volume. Cost: three passes over the coils, one smoothing
/// each. A non-finite sample counts as zero. Works with one coil.
template <class Device>
class VirtualReference {
 public:
  /// Throws Error{kInvalidArgument, "OPTION_OUT_OF_RANGE"} as OffsetCombination.
  VirtualReference(Device const& device, Grid grid, Vec3d voxel_mm, double sigma_mm);

  void observe(Field<Complex const> image);

  /// Ends pass 1; gives back r. Throws Error{kInvalidArgument, "NO_COMMON_SIGNAL"} where no voxel
  /// has signal in every coil.
  Index3 choose_voxel();

  void add_reference(Field<Complex const> image);

  // As OffsetCombination's.
  void begin_coil(Field<Complex const> image) { sum_.begin_coil(rotor_.view(), image); }
  void add(int echo, Field<Complex const> image) { sum_.add(echo, image); }
  void combined(int echo, Field<float> magnitude, Field<float> phase_rad) const {
    sum_.combined(echo, magnitude, phase_rad);
  }

 private:
  Device const& device_;
  Grid grid_;
  OffsetCombination<Device> sum_;
  Buffer<Device, float> weakest_;  // min_c |S_c|^2
  Buffer<Device, Complex> rotor_;  // conj V
  Index3 voxel_;
  bool observed_ = false;
};

}  // namespace qsm
