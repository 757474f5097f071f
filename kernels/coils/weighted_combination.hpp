/// Sum of coil images with a complex weight per coil and voxel, the same in every echo:
///
///   S_e = sum_c conj(w_c) S_c,e / n        n = |w| = (sum_c |w_c|^2)^(1/2)   kUnitNoise
///                                          n = |w|^2                         kUnitGain
///
/// With whitened data, kUnitNoise keeps the channels' noise level; with the coils' sensitivities as
/// weights, kUnitGain is Roemer's estimate of the object (Roemer et al., MRM 1990;16:192).
#pragma once

#include <vector>

#include "device/buffer.hpp"
#include "math/complex.hpp"

namespace qsm {

enum class WeightNorm { kUnitNoise, kUnitGain };

/// Memory: E complex volumes, one float volume. Cost: per coil one pass over the weights, per coil
/// and echo one pass (3 volumes read, 1 written). A non-finite sample or weight counts as zero.
template <class Device>
class WeightedCombination {
 public:
  WeightedCombination(Device const& device, Grid grid, int echoes, WeightNorm norm);

  /// `weights` of the next coil; they must stay until its last add().
  void begin_coil(Field<Complex const> weights);
  void add(int echo, Field<Complex const> image);  // echo from 0

  /// Phase in [-pi, pi]; both finite, and 0 where no coil has weight.
  void combined(int echo, Field<float> magnitude, Field<float> phase_rad) const;

 private:
  Device const& device_;
  Grid grid_;
  WeightNorm norm_;
  Field<Complex const> weights_;
  Buffer<Device, float> squares_;              // sum_c |w_c|^2
  std::vector<Buffer<Device, Complex>> sums_;  // sum_c conj(w_c) S_c,e
};

}  // namespace qsm
