/// Laplacian phase unwrapping restricted to a mask, made exact modulo 2 pi.
///
/// Least squares over the edges between neighbouring mask voxels,
///
///   min_u  sum_edges h^-2 ( u_j - u_i - wrap(w_j - w_i) )^2,    (Ghiglia and Romero 1994)
///
/// whose normal equation is a Poisson equation with Neumann conditions on the mask. Edges that
/// leave the mask are left out, not set to zero: outside the head the phase is noise, and both
/// noise and zeros act there like a stiff medium that flattens the solution inside (by a third for
/// a ramp in a ball), which would cost whole turns. Conjugate gradients, preconditioned by the DCT
/// solution of the Poisson equation on the whole volume: one iteration where the mask is
/// everything, about three for a head, because the preconditioned spectrum lies between about 1/3
/// and 1.
///
/// Then the nearest value congruent to the data:
///   phi = w + 2 pi rint( (u - w) / 2 pi - median_mask((u - w) / 2 pi) ),
/// so that phi = w modulo 2 pi in every mask voxel, and phi is right wherever |u - truth| < pi.
/// Constants are not observable: phi keeps the turn of the median voxel. Pieces of the mask that do
/// not touch are unwrapped each for itself, but their relative number of turns is arbitrary.
#pragma once

#include <cstdint>

#include "device/buffer.hpp"
#include "math/dct.hpp"
#include "math/vec.hpp"

namespace qsm {

/// Memory: 5 complex volumes, one float volume. Cost: per iteration two complex FFTs and 7 passes;
/// 160x192x144, a head: 0.9 s on one core, one volume or two.
template <class Device>
class LaplacianUnwrap {
 public:
  LaplacianUnwrap(Device const& device, Grid grid, Vec3d voxel_mm);

  /// `wrapped` [rad]; a non-finite value is read as 0. `unwrapped` [rad] is 0 outside the mask and
  /// may be the memory of `wrapped`. Throws Error{kInvalidArgument, "EMPTY_MASK"}.
  void run(Field<float const> wrapped, Field<std::uint8_t const> mask, Field<float> unwrapped);

  /// Two volumes for the price of one: they travel as real and imaginary part.
  void run(Field<float const> wrapped_a, Field<float const> wrapped_b,
           Field<std::uint8_t const> mask, Field<float> unwrapped_a, Field<float> unwrapped_b);

 private:
  void solve(Field<std::uint8_t const> mask);
  void precondition();
  void snap(Field<float const> wrapped, Field<std::uint8_t const> mask, bool imaginary,
            Field<float> unwrapped);

  Device const& device_;
  Grid grid_;
  Vec3 inverse_square_;  // h^-2, relative to the finest axis
  Dct<Device> dct_;
  Buffer<Device, Complex> solution_, residual_, direction_, work_;
  Buffer<Device, float> turns_;
  Buffer<Device, float> eigenvalues_[3];  // of the second difference along each axis
};

}  // namespace qsm
