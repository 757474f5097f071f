/// Image <-> k-space with both origins at index floor(N/2), unitary.
///
///   x[n] = N^(-1/2) sum_k s[k] exp(+2 pi i (k - c)(n - c) / N),   c = floor(N/2), per axis
///
/// The exponent splits into k n (the plain transform) and phases that depend on k or n alone, which
/// multiply before and after: signs (-1)^k for even N, and right for odd N, where the two shifts of
/// the customary fftshift notation differ.
#pragma once

#include "device/buffer.hpp"
#include "device/fft.hpp"

namespace qsm {

/// Cost: one complex FFT and two passes, in place.
template <class Device>
class CenteredFft {
 public:
  CenteredFft(Device const& device, Grid grid);
  Grid grid() const { return fft_.grid(); }

  void inverse(Field<Complex> data) const;  // k-space to image
  void forward(Field<Complex> data) const;  // image to k-space, the exact adjoint

 private:
  void shift(Field<Complex> data, Complex scale, bool conjugate) const;

  Device const& device_;
  ComplexFft<Device> fft_;
  Buffer<Device, Complex> shift_[3];  // exp(-2 pi i c k / N) per axis
  Complex origin_{1, 0};              // the factor exp(2 pi i c^2 / N) of all axes
};

/// Copies the part around the centre, so that index floor(N/2) maps to itself: crops an axis that
/// is longer than `out` and pads a shorter one with zeros. Removes readout oversampling in the
/// image, interpolates by zero filling in k-space.
template <class Device>
void crop_centered(Device const& device, Field<Complex const> in, Field<Complex> out);

}  // namespace qsm
