/// Discrete cosine transforms of a complex volume along all three axes: two real volumes at once.
///
///   DCT-II   C[k] = sum_n x[n] cos(pi k (2 n + 1) / 2 N)      per axis, unnormalised
///   inverse  x[n] = 1/N (C[0] + 2 sum_{k>0} C[k] cos(pi k (2 n + 1) / 2 N))   (DCT-III)
///
/// Makhoul 1980 (IEEE ASSP 28:27): with v = (x0, x2, x4, .., x5, x3, x1), V = FFT(v) of length N
/// and w = exp(-i pi k / 2 N), the samples at k and N - k form a butterfly,
///   C[k]   = 1/2 (w V[k] + conj(w) V[N-k])         V[k]   = conj(w) (C[k] - i C[N-k])
///   C[N-k] = i/2 (w V[k] - conj(w) V[N-k])         V[N-k] = w       (C[k] + i C[N-k])
/// with C[N] = 0. All of it is linear in x and so holds for complex x too. Reordering and
/// butterflies of the three axes are separable: each is one pass around one three-dimensional FFT,
/// and a butterfly of all axes reads and writes eight values.
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

  /// out = inverse( forward(in)[k] / (x[k_x] + y[k_y] + z[k_z]) ), and 0 where that sum is not
  /// positive; x, y, z hold one float per index of their axis. Solves separable equations such as
  /// Poisson's with two FFTs and three passes. `out` may be `in`.
  void divide_by_sum(Field<Complex const> in, float const* x, float const* y, float const* z,
                     Field<Complex> out);

 private:
  Device const& device_;
  Grid grid_;
  ComplexFft<Device> fft_;
  Buffer<Device, Complex> work_;
  Buffer<Device, Complex> turn_[3];  // w per axis
};

}  // namespace qsm
