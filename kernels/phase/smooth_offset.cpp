#include "phase/smooth_offset.hpp"

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "math/gaussian.hpp"

namespace qsm {
namespace {

/// (w offset, w): numerator and denominator of the normalised convolution in one complex volume.
struct PackWeighted {
  Field<std::uint8_t const> mask;
  FittedOffset fitted;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const {
    constexpr float kWorstResidual = 0.3f;
    float const noise = fitted.noise_hz[i];
    bool const usable = mask[i] && noise > 0 && fitted.residual_rad[i] < kWorstResidual;
    float const w = usable ? 1 / (noise * noise) : 0.0f;
    packed[i] = {w * fitted.offset_rad[i], w};
  }
};

struct Divide {
  Field<Complex const> average;
  Field<std::uint8_t const> mask;
  Field<float> smooth;
  QSM_HD void operator()(Index3 i) const {
    Complex const a = average[i];
    smooth[i] = mask[i] && a.im > 0 ? a.re / a.im : 0.0f;
  }
};

}  // namespace

template <class Device>
void smooth_offset(Device const& device, Vec3d voxel_mm, Field<std::uint8_t const> mask,
                   FittedOffset const& fitted, double sigma_mm, Field<float> smooth_rad) {
  Buffer<Device, Complex> packed(device, mask.grid);
  Buffer<Device, Complex> average(device, mask.grid);
  for_each_voxel(device, mask.grid, PackWeighted{mask, fitted, packed.field()});
  SeparableFilter<Device>::gaussian(device, mask.grid, voxel_mm, sigma_mm, 1)
      .run(packed.field(), average.field());
  for_each_voxel(device, mask.grid, Divide{average.view(), mask, smooth_rad});
}

template void smooth_offset(ThisDevice const&, Vec3d, Field<std::uint8_t const>,
                            FittedOffset const&, double, Field<float>);

}  // namespace qsm
