// The only file that sees cuFFT.
#include "device/cuda/check.hpp"
#include "device/fft.hpp"

namespace qsm {
namespace {

class Plan {
 public:
  Plan(Cuda const& device, Grid g, cufftType type) {
    check(cufftPlan3d(&handle_, g.nz, g.ny, g.nx, type));
    use(device);
  }
  /// `batch` lines of n points, `stride` apart, beginning `distance` apart.
  Plan(Cuda const& device, int n, int stride, int distance, int batch) {
    int size = n;
    check(cufftPlanMany(&handle_, 1, &size, &size, stride, distance, &size, stride, distance,
                        CUFFT_C2C, batch));
    use(device);
  }
  Plan(Plan const&) = delete;
  ~Plan() {
    meter_->remove(work_bytes_);
    cufftDestroy(handle_);
  }
  operator cufftHandle() const { return handle_; }

 private:
  void use(Cuda const& device) {
    check(cufftSetStream(handle_, device.stream()));
    check(cufftGetSize(handle_, &work_bytes_));
    meter_ = &device.meter();
    meter_->add(work_bytes_);
  }
  cufftHandle handle_ = 0;
  std::size_t work_bytes_ = 0;
  MemoryMeter* meter_ = nullptr;
};

cufftComplex* raw(Complex* data) { return reinterpret_cast<cufftComplex*>(data); }

}  // namespace

template <>
struct RealFft<Cuda>::Plans {
  Plans(Cuda const& device, Grid g) : forward(device, g, CUFFT_R2C), inverse(device, g, CUFFT_C2R) {}
  Plan forward, inverse;
};

template <>
RealFft<Cuda>::RealFft(Cuda const& device, Grid grid)
    : grid_(grid), plans_(std::make_unique<Plans>(device, grid)) {}
template <>
RealFft<Cuda>::~RealFft() = default;
template <>
RealFft<Cuda>::RealFft(RealFft&&) noexcept = default;

template <>
void RealFft<Cuda>::forward(Field<float const> in, Field<Complex> out) const {
  check(cufftExecR2C(plans_->forward, const_cast<float*>(in.data), raw(out.data)));
}

template <>
void RealFft<Cuda>::inverse(Field<Complex> in, Field<float> out) const {
  check(cufftExecC2R(plans_->inverse, raw(in.data), out.data));
}

template <>
struct ComplexFft<Cuda>::Plans {
  Plans(Cuda const& device, Grid g) : plan(device, g, CUFFT_C2C) {}
  Plans(Cuda const& device, Grid g, int axis)
      : plan(device, g.extent(axis), axis == 0 ? 1 : axis == 1 ? g.nx : g.nx * g.ny,
             axis == 0 ? g.nx : 1, axis == 0 ? g.ny * g.nz : axis == 1 ? g.nx : g.nx * g.ny),
        // Lines along y are regular only within one slice.
        calls(axis == 1 ? g.nz : 1),
        step(axis == 1 ? static_cast<std::size_t>(g.nx) * static_cast<std::size_t>(g.ny) : 0) {}

  void execute(Complex* data, int direction) const {
    for (int c = 0; c < calls; ++c, data += step)
      check(cufftExecC2C(plan, raw(data), raw(data), direction));
  }

  Plan plan;
  int calls = 1;
  std::size_t step = 0;
};

template <>
ComplexFft<Cuda>::ComplexFft(Cuda const& device, Grid grid)
    : grid_(grid), plans_(std::make_unique<Plans>(device, grid)) {}
template <>
ComplexFft<Cuda>::ComplexFft(Cuda const& device, Grid grid, int axis)
    : grid_(grid), plans_(std::make_unique<Plans>(device, grid, axis)) {}
template <>
ComplexFft<Cuda>::~ComplexFft() = default;
template <>
ComplexFft<Cuda>::ComplexFft(ComplexFft&&) noexcept = default;

template <>
void ComplexFft<Cuda>::forward(Field<Complex> data) const {
  plans_->execute(data.data, CUFFT_FORWARD);
}

template <>
void ComplexFft<Cuda>::inverse(Field<Complex> data) const {
  plans_->execute(data.data, CUFFT_INVERSE);
}

}  // namespace qsm
