/// One-dimensional transforms of many lines, single-threaded, on FFTW: what the transforms of
/// volumes are made of (fft_cpu.cpp), which run them side by side.
///
/// Plans are ESTIMATE plans, which are the same in every process, and a line's result does not
/// depend on which thread takes it: a retried job gives identical bytes.
#pragma once

#include <fftw3.h>

#include <cstddef>

#include "math/complex.hpp"

namespace qsm {

enum class Sign { kForward = FFTW_FORWARD, kInverse = FFTW_BACKWARD };

/// An FFTW plan; made and destroyed under one lock, for the planner is one per process.
class FftwPlan {
 public:
  template <class Make>
  explicit FftwPlan(Make make);
  ~FftwPlan();
  FftwPlan(FftwPlan&& other) noexcept;
  operator fftwf_plan() const { return plan_; }

 private:
  fftwf_plan plan_ = nullptr;
};

/// `count` contiguous rows of n points, one behind the other.
class ComplexRows {
 public:
  ComplexRows(int n, int count, Sign sign);
  void operator()(Complex* rows) const;  // in place

 private:
  FftwPlan plan_;
};

/// The same of real rows: n reals <-> n / 2 + 1 complex numbers.
class RealRows {
 public:
  RealRows(int n, int count);
  void forward(float const* from, Complex* to) const;
  void inverse(Complex* from, float* to) const;  // destroys `from`

 private:
  FftwPlan forward_, inverse_;
};

/// Lines along y or z: neighbouring ones are copied to a buffer that stays in the first cache and
/// transformed there, sixteen at a time, so that memory is read and written in whole cache lines.
/// Over the lines in place FFTW's ESTIMATE plans take up to eight times as long, for powers of two
/// (docs/performance.md).
class Columns {
 public:
  static constexpr int kWidth = 16;

  Columns(int n, Sign sign);

  /// `lines` neighbours of n points `stride` apart, in place.
  void operator()(Complex* first, std::size_t stride, std::size_t lines) const;

  /// This thread's room for kWidth lines side by side, line j at buffer[kWidth i + j], and their
  /// transform there.
  Complex* buffer() const;
  void transform(Complex* buffer) const;

 private:
  int n_;
  FftwPlan plan_;
};

}  // namespace qsm
