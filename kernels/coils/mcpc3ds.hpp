/// Coil combination that keeps the phase: MCPC-3D-S (Eckstein et al., MRM 2018;79:2996).
///
/// Each coil sees S_c,e = |S_c,e| exp(i (p_c + 2 pi f TE_e)) with an offset p_c of its own that
/// does not depend on the echo. In the Hermitian product of two echoes over all coils the offsets
/// cancel:
///
///   H = sum_c S_c,2 conj(S_c,1)
///   psi = TE_1 / (TE_2 - TE_1) unwrap(arg H)               the phase evolved by TE_1
///   p~_c = arg( G_sigma * [mask S_c,1 exp(-i psi)] )       the coil's offset
///
/// and the coils are added without it (offset_combination.hpp). Unwrapping and masking belong to
/// the caller:
///
///   per coil: accumulate(echo 1, echo 2)
///   hermitian_phase / hermitian_magnitude -> caller's mask and unwrapping -> set_phase_evolution
///   per coil: begin_coil(echo 1), add(e, echo e) for every e
///   per echo: combined(e, magnitude, phase)
///
/// A constant 2 pi k left by the unwrapping, the bias of the smoothing and psi's own errors are the
/// same in all echoes: they end in the intercept of a fit over the echoes, not in its slope.
#pragma once

#include <cstdint>
#include <vector>

#include "coils/offset_combination.hpp"
#include "device/buffer.hpp"

namespace qsm {

struct Mcpc3dsOptions {
  double sigma_mm = 10;  // of the offsets' smoothing, nowhere below 3 voxels
};

/// Memory: E + 3 complex volumes, one float volume. Cost: pass 1 reads two volumes per coil; pass 2
/// per coil one smoothing and per echo one pass (3 volumes read, 1 written).
/// Images are Field<Complex> of `grid`; a non-finite sample counts as zero. Works with one coil.
template <class Device>
class Mcpc3ds {
 public:
  /// Throws Error{kInvalidArgument}: TOO_FEW_ECHOES (< 2), ECHO_TIMES (not positive and
  /// increasing), OPTION_OUT_OF_RANGE.
  Mcpc3ds(Device const& device, Grid grid, Vec3d voxel_mm, std::vector<double> const& te_s,
          Mcpc3dsOptions const& options = {});

  void accumulate(Field<Complex const> echo1, Field<Complex const> echo2);
  void hermitian_phase(Field<float> phase_rad) const;      // in [-pi, pi]
  void hermitian_magnitude(Field<float> magnitude) const;  // sqrt|H|
  void root_sum_of_squares(Field<float> magnitude) const;  // of echo 1 over the coils

  /// Ends pass 1; H is gone. Throws Error{kInvalidArgument, "EMPTY_MASK"}.
  void set_phase_evolution(Field<float const> unwrapped_hermitian_phase,
                           Field<std::uint8_t const> mask);

  // As OffsetCombination's.
  void begin_coil(Field<Complex const> echo1) { sum_.begin_coil(rotor_.view(), echo1); }
  void add(int echo, Field<Complex const> image) { sum_.add(echo, image); }
  void offset(Field<float> offset_rad) const { sum_.offset(offset_rad); }
  void combined(int echo, Field<float> magnitude, Field<float> phase_rad) const {
    sum_.combined(echo, magnitude, phase_rad);
  }

 private:
  Device const& device_;
  Grid grid_;
  double evolution_factor_;  // TE_1 / (TE_2 - TE_1)
  OffsetCombination<Device> sum_;
  Buffer<Device, Complex> rotor_;  // H, then mask exp(-i psi)
  Buffer<Device, float> squares_;  // sum_c |S_c,1|^2
};

}  // namespace qsm
