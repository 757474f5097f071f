/// The filter of V-SHARP as a linear operator, and its adjoint.
///
///   A x   = sum_k M_k F^-1 (1 - S_k) F x          M_k x: x on the k-th shell, 0 elsewhere
///   A^T y = M F^-1 sum_k (1 - S_k) F M_k y        (shells.hpp)
///
/// S_k, the transform of the k-th ball, is real because a ball is symmetric. The balls never leave
/// M, so the periodic grid is M's bounding box without padding, and A sees nothing outside M.
#pragma once

#include <vector>

#include "background/shells.hpp"
#include "device/fft.hpp"

namespace qsm {

/// Transforms: K + 1 real ones either way for K radii; one forward serves every ball in A, and A^T
/// sums in k-space before its only inverse. Passes: about 19 K bytes per voxel in either.
/// Memory: K half spectra (K / 2 floats per voxel), two complex half spectra, one volume and one
/// byte per voxel. Nothing is allocated by apply() and adjoint(). Not thread-safe.
template <class Device>
class VsharpOperator {
 public:
  VsharpOperator(Device const& device, Vec3d voxel_mm, Shells<Device> const& shells,
                 bool moment_match);

  /// The working grid; voxel i of it is voxel i + shells.box.origin of the volume.
  Grid grid() const { return fft_.grid(); }
  /// Shell index on the working grid.
  Field<std::uint8_t const> shell() const { return shell_.view(); }

  /// `out` may be `in`.
  void apply(Field<float const> in, Field<float> out);
  void adjoint(Field<float const> in, Field<float> out);

 private:
  Device const& device_;
  RealFft<Device> fft_;
  Buffer<Device, std::uint8_t> shell_;
  Buffer<Device, float> volume_;
  Buffer<Device, Complex> total_, filtered_;
  std::vector<Buffer<Device, float>> remaining_;  // (1 - S_k) / N
};

}  // namespace qsm
