/// A coil that has signal everywhere, made of all the others.
///
/// Aligned at the voxel r that the weakest coil there sees best, the coils add up to
///
///   V = sum_c S_c exp(-i arg S_c(r))
///
/// whose phase is the object's plus one that is smooth over the head, without the lines where a
/// single coil is dark and its phase undefined.
///
///   per coil: observe(image);  choose_voxel();  per coil: add(image)
#pragma once

#include "device/buffer.hpp"
#include "math/complex.hpp"

namespace qsm {

/// Memory: one complex and one float volume. Cost: two passes over the coils. A non-finite sample
/// counts as zero; a coil that is zero everywhere is passed over. Works with one coil.
template <class Device>
class VirtualCoil {
 public:
  VirtualCoil(Device const& device, Grid grid);

  void observe(Field<Complex const> image);

  /// Ends the first pass; gives back r. Throws Error{kInvalidArgument, "NO_COMMON_SIGNAL"} where no
  /// voxel has signal in every coil.
  Index3 choose_voxel();

  void add(Field<Complex const> image);

  Field<Complex const> conjugate() const { return conjugate_.view(); }  // conj V
  Field<Complex> conjugate() { return conjugate_.field(); }

 private:
  Device const& device_;
  Grid grid_;
  Buffer<Device, float> weakest_;  // min_c |S_c|^2
  Buffer<Device, Complex> conjugate_;
  Index3 voxel_;
  bool observed_ = false;
};

}  // namespace qsm
