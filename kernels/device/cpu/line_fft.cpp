#include "device/cpu/line_fft.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "device/error.hpp"

namespace qsm {
namespace {

std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

fftwf_complex* raw(Complex* data) {
  return reinterpret_cast<fftwf_complex*>(data);
}

// ESTIMATE planning never touches the arrays: it looks only at alignment and at whether input and
// output coincide, so two aligned addresses stand for any two buffers.
alignas(64) char address_a[64];
alignas(64) char address_b[64];

auto* complex_a() {
  return reinterpret_cast<fftwf_complex*>(address_a);
}
auto* complex_b() {
  return reinterpret_cast<fftwf_complex*>(address_b);
}
auto* real_a() {
  return reinterpret_cast<float*>(address_a);
}

// Rows begin wherever the slice before them ended.
constexpr unsigned kRowFlags = FFTW_ESTIMATE | FFTW_UNALIGNED;

/// Room for one tile; one per thread, for plans of all lengths.
Complex* tile_buffer(std::size_t size) {
  struct Free {
    void operator()(Complex* p) const { std::free(p); }
  };
  static thread_local std::unique_ptr<Complex[], Free> buffer;
  static thread_local std::size_t held = 0;
  if (size > held) {
    std::size_t const bytes = (size * sizeof(Complex) + 63) / 64 * 64;
    buffer.reset(static_cast<Complex*>(std::aligned_alloc(64, bytes)));
    if (!buffer) throw Error(ErrorCode::kOutOfMemory, "OUT_OF_MEMORY", "no memory for a tile");
    std::memset(static_cast<void*>(buffer.get()), 0, bytes);
    held = size;
  }
  return buffer.get();
}

}  // namespace

template <class Make>
FftwPlan::FftwPlan(Make make) {
  std::lock_guard const lock(planner());
  plan_ = make();
  if (!plan_) throw Error(ErrorCode::kOutOfMemory, "FFT_PLAN_FAILED", "FFTW made no plan");
}

FftwPlan::FftwPlan(FftwPlan&& other) noexcept : plan_(std::exchange(other.plan_, nullptr)) {}

FftwPlan::~FftwPlan() {
  if (!plan_) return;
  std::lock_guard const lock(planner());
  fftwf_destroy_plan(plan_);
}

ComplexRows::ComplexRows(int n, int count, Sign sign)
    : plan_([=] {
        fftwf_iodim const line{n, 1, 1}, loop{count, n, n};
        return fftwf_plan_guru_dft(1, &line, 1, &loop, complex_a(), complex_a(),
                                   static_cast<int>(sign), kRowFlags);
      }) {}

void ComplexRows::operator()(Complex* rows) const {
  fftwf_execute_dft(plan_, raw(rows), raw(rows));
}

RealRows::RealRows(int n, int count)
    : forward_([=] {
        fftwf_iodim const line{n, 1, 1}, loop{count, n, n / 2 + 1};
        return fftwf_plan_guru_dft_r2c(1, &line, 1, &loop, real_a(), complex_b(), kRowFlags);
      }),
      inverse_([=] {
        fftwf_iodim const line{n, 1, 1}, loop{count, n / 2 + 1, n};
        return fftwf_plan_guru_dft_c2r(1, &line, 1, &loop, complex_b(), real_a(), kRowFlags);
      }) {}

void RealRows::forward(float const* from, Complex* to) const {
  fftwf_execute_dft_r2c(forward_, const_cast<float*>(from), raw(to));
}

void RealRows::inverse(Complex* from, float* to) const {
  fftwf_execute_dft_c2r(inverse_, raw(from), to);
}

Columns::Columns(int n, Sign sign)
    : n_(n), plan_([=] {
        fftwf_iodim const line{n, kWidth, kWidth}, loop{kWidth, 1, 1};
        return fftwf_plan_guru_dft(1, &line, 1, &loop, complex_a(), complex_a(),
                                   static_cast<int>(sign), FFTW_ESTIMATE);
      }) {}

namespace {

/// Whole tiles by a constant width: a call of memmove per 128 bytes would cost as much as the copy.
void copy_points(Complex const* from, Complex* to, std::size_t width) {
  if (width == Columns::kWidth)
    std::copy_n(from, Columns::kWidth, to);
  else
    std::copy_n(from, width, to);
}

}  // namespace

Complex* Columns::buffer() const {
  return tile_buffer(static_cast<std::size_t>(n_) * kWidth);
}

void Columns::transform(Complex* tile) const {
  fftwf_execute_dft(plan_, raw(tile), raw(tile));
}

void Columns::operator()(Complex* first, std::size_t stride, std::size_t lines) const {
  auto const points = static_cast<std::size_t>(n_);
  Complex* const tile = buffer();
  for (std::size_t at = 0; at < lines; at += kWidth) {
    std::size_t const width = std::min<std::size_t>(kWidth, lines - at);
    for (std::size_t i = 0; i < points; ++i)
      copy_points(first + at + i * stride, tile + i * kWidth, width);
    transform(tile);
    for (std::size_t i = 0; i < points; ++i)
      copy_points(tile + i * kWidth, first + at + i * stride, width);
  }
}

}  // namespace qsm
