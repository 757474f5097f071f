/// Discrete cosine transforms of a complex volume along all three axes: two real volumes at once.
///
///   DCT-II   C[k] = sum_n x[n] cos(pi k (2 n + 1) / 2 N)      per axis, unnormalised
///   inverse  x[n] = 1/N (C[0] + 2 sum_{k>0} C[k] cos(pi k (2 n + 1) / 2 N))   (DCT-III)
///
/// Makhoul 1980 (IEEE ASSP 28:27): with v = (x0, x2, x4, .., x5, x3, x1), V = FFT(v) of length N
/// and w_k = exp(-i pi k / 2 N),
///   C[k] = 1/2 (w_k V[k] + conj(w_k) V[N-k]),   V[k] = conj(w_k) (C[k] - i C[N-k]),  C[N] = 0,
/// which is linear in x and so holds for complex x too. Reordering and recombination of the three
/// axes are separable, so each is one pass around one three-dimensional FFT: 8 reads per voxel.
#pragma once

#include "device/buffer.hpp"
#include "device/fft.hpp"

namespace qsm {

template <class Device>
class Dct {
 public:
  /// Memory: one complex volume of work space, three short tables, an FFT plan.
  Dct(Device const& device, Grid grid);
  Grid grid() const { return grid_; }

  /// In place. inverse(forward(x)) = x.
  void forward(Field<Complex> data);
  void inverse(Field<Complex> data);

 private:
  Device const& device_;
  Grid grid_;
  ComplexFft<Device> fft_;
  Buffer<Device, Complex> work_;
  Buffer<Device, Complex> turn_[3];  // w_k per axis
};

}  // namespace qsm
