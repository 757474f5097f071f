/// Unnormalised discrete Fourier transforms (FFTW on the CPU, cuFFT on CUDA).
///
///   forward  X[k] = sum_n x[n] exp(-2 pi i k n / N)      inverse: + sign, and no 1/N: callers fold
///   it into the spectral multiplier.
///
/// A plan belongs to one device and one grid; buffers it is given must come from Buffer (alignment).
/// Construction is expensive and serialised by a lock; execution is not. On the CPU the same input
/// gives the same bits in every process and with any number of threads (cpu/line_fft.hpp).
#pragma once

#include <functional>
#include <memory>

#include "device/device.hpp"
#include "device/field.hpp"
#include "math/complex.hpp"

namespace qsm {

/// Real volume <-> half spectrum (half_grid of the volume).
template <class Device>
class RealFft {
 public:
  RealFft(Device const& device, Grid grid);
  ~RealFft();
  RealFft(RealFft&&) noexcept;
  Grid grid() const { return grid_; }
  Grid half() const { return half_grid(grid_); }
  float scale() const { return 1.0f / static_cast<float>(grid_.size()); }

  void forward(Field<float const> in, Field<Complex> out) const;
  void inverse(Field<Complex> in, Field<float> out) const;  // destroys `in`

 private:
  struct Plans;
  Grid grid_;
  std::unique_ptr<Plans> plans_;
};

/// Columns along z of a spectrum and their mirrors, as filter_pairs.hpp visits them on the CPU.
struct PairTile {
  static constexpr int kPairs = 8;
  int pairs;         // kPairs or fewer
  int axis;          // 0 or 1: the columns are neighbours along x or along y
  Index3 first;      // of the first column, z = 0
  Complex* columns;  // columns[2 kPairs kz + j]
  Complex* mirrors;  // the column that mirrors it, mirrors[2 kPairs ((nz - kz) % nz) + j]
};

/// Complex volume, in place, along all axes or along one.
template <class Device>
class ComplexFft {
 public:
  ComplexFft(Device const& device, Grid grid);            // three-dimensional
  ComplexFft(Device const& device, Grid grid, int axis);  // every line along one axis
  ~ComplexFft();
  ComplexFft(ComplexFft&&) noexcept;
  Grid grid() const { return grid_; }
  float scale() const { return 1.0f / static_cast<float>(grid_.size()); }

  void forward(Field<Complex> data) const;
  void inverse(Field<Complex> data) const;

  /// On the CPU only, three-dimensional: forward, `change` of every tile, which several threads call,
  /// inverse, with one trip less through memory than the three apart.
  void filter(Field<Complex> data, std::function<void(PairTile const&)> const& change) const;

 private:
  struct Plans;
  Grid grid_;
  std::unique_ptr<Plans> plans_;
};

}  // namespace qsm
