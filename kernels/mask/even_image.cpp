#include "mask/even_image.hpp"

#include "device/launch.hpp"
#include "mask/robust_threshold.hpp"
#include "math/complex.hpp"
#include "math/gaussian.hpp"

namespace qsm {
namespace {

constexpr double kSigma_mm = 15;
constexpr float kLeastSupport = 1e-4f;  // of the Gaussian's weight has to fall on signal

/// Signal, and 1 where there is any, as the two parts of one number: one filter averages both.
struct SignalAndSupport {
  Field<float const> magnitude;
  float threshold;
  Field<Complex> out;
  QSM_HD void operator()(Index3 i) const {
    float const v = magnitude[i];
    out[i] = v > threshold ? Complex{v, 1} : Complex{};
  }
};

struct DivideByAverage {
  Field<Complex const> average;
  Field<float> magnitude;
  QSM_HD void operator()(Index3 i) const {
    Complex const a = average[i];
    magnitude[i] = a.im > kLeastSupport ? magnitude[i] * (a.im / a.re) : 0.0f;
  }
};

}  // namespace

template <class Device>
Buffer<Device, float> even_image(Device const& device, Field<float const> magnitude,
                                 Vec3d voxel_mm) {
  Grid const grid = magnitude.grid;
  Buffer<Device, float> image(device, grid);
  for_each_voxel(device, grid, CleanMagnitude{magnitude, image.field()});
  auto const threshold = static_cast<float>(robust_threshold(device, image.view()));
  Buffer<Device, Complex> signal(device, grid), average(device, grid);
  for_each_voxel(device, grid, SignalAndSupport{image.view(), threshold, signal.field()});
  SeparableFilter<Device>::gaussian(device, grid, voxel_mm, kSigma_mm)
      .run(signal.field(), average.field());
  for_each_voxel(device, grid, DivideByAverage{average.view(), image.field()});
  return image;
}

template Buffer<ThisDevice, float> even_image(ThisDevice const&, Field<float const>, Vec3d);

}  // namespace qsm
