// The only file that sees FFTW.
#include <fftw3.h>
#include <omp.h>

#include <mutex>

#include "device/error.hpp"
#include "device/fft.hpp"

namespace qsm {
namespace {

// FFTW's planner is one per process and not thread-safe.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

class Plan {
 public:
  template <class Make>
  explicit Plan(Make make) {
    std::lock_guard const lock(planner());
    static bool const threads_ready = fftwf_init_threads() != 0;
    if (threads_ready) fftwf_plan_with_nthreads(omp_get_max_threads());
    plan_ = make();
    if (!plan_) throw Error(ErrorCode::kOutOfMemory, "FFT_PLAN_FAILED", "FFTW made no plan");
  }
  Plan(Plan const&) = delete;
  ~Plan() {
    std::lock_guard const lock(planner());
    fftwf_destroy_plan(plan_);
  }
  operator fftwf_plan() const { return plan_; }

 private:
  fftwf_plan plan_ = nullptr;
};

fftwf_complex* raw(Complex* data) { return reinterpret_cast<fftwf_complex*>(data); }

// ESTIMATE planning never touches the arrays: it looks only at alignment and at whether input and
// output coincide, so two aligned addresses stand for any two buffers.
alignas(64) char address_a[64];
alignas(64) char address_b[64];

}  // namespace

template <>
struct RealFft<Cpu>::Plans {
  explicit Plans(Grid g)
      : forward([g] {
          return fftwf_plan_dft_r2c_3d(g.nz, g.ny, g.nx, reinterpret_cast<float*>(address_a),
                                       reinterpret_cast<fftwf_complex*>(address_b), FFTW_ESTIMATE);
        }),
        inverse([g] {
          return fftwf_plan_dft_c2r_3d(g.nz, g.ny, g.nx,
                                       reinterpret_cast<fftwf_complex*>(address_a),
                                       reinterpret_cast<float*>(address_b), FFTW_ESTIMATE);
        }) {}
  Plan forward, inverse;
};

template <>
RealFft<Cpu>::RealFft(Cpu const&, Grid grid)
    : grid_(grid), plans_(std::make_unique<Plans>(grid)) {}
template <>
RealFft<Cpu>::~RealFft() = default;
template <>
RealFft<Cpu>::RealFft(RealFft&&) noexcept = default;

template <>
void RealFft<Cpu>::forward(Field<float const> in, Field<Complex> out) const {
  fftwf_execute_dft_r2c(plans_->forward, const_cast<float*>(in.data), raw(out.data));
}

template <>
void RealFft<Cpu>::inverse(Field<Complex> in, Field<float> out) const {
  fftwf_execute_dft_c2r(plans_->inverse, raw(in.data), out.data);
}

template <>
struct ComplexFft<Cpu>::Plans {
  /// The transformed axes and, as a loop around them, the rest.
  Plans(Grid g, int axis)
      : forward([=] { return make(g, axis, FFTW_FORWARD); }),
        inverse([=] { return make(g, axis, FFTW_BACKWARD); }) {}

  static fftwf_plan make(Grid g, int axis, int sign) {
    auto* const data = reinterpret_cast<fftwf_complex*>(address_a);
    int const row = g.nx;
    int const slice = g.nx * g.ny;
    fftwf_iodim const dims[3] = {{g.nz, slice, slice}, {g.ny, row, row}, {g.nx, 1, 1}};
    if (axis < 0) return fftwf_plan_guru_dft(3, dims, 0, nullptr, data, data, sign, FFTW_ESTIMATE);
    fftwf_iodim const line = dims[2 - axis];
    fftwf_iodim loops[2];
    for (int d = 0, used = 0; d < 3; ++d)
      if (d != 2 - axis) loops[used++] = dims[d];
    return fftwf_plan_guru_dft(1, &line, 2, loops, data, data, sign, FFTW_ESTIMATE);
  }

  Plan forward, inverse;
};

template <>
ComplexFft<Cpu>::ComplexFft(Cpu const&, Grid grid)
    : grid_(grid), plans_(std::make_unique<Plans>(grid, -1)) {}
template <>
ComplexFft<Cpu>::ComplexFft(Cpu const&, Grid grid, int axis)
    : grid_(grid), plans_(std::make_unique<Plans>(grid, axis)) {}
template <>
ComplexFft<Cpu>::~ComplexFft() = default;
template <>
ComplexFft<Cpu>::ComplexFft(ComplexFft&&) noexcept = default;

template <>
void ComplexFft<Cpu>::forward(Field<Complex> data) const {
  fftwf_execute_dft(plans_->forward, raw(data.data), raw(data.data));
}

template <>
void ComplexFft<Cpu>::inverse(Field<Complex> data) const {
  fftwf_execute_dft(plans_->inverse, raw(data.data), raw(data.data));
}

}  // namespace qsm
