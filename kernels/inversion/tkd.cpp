#include "inversion/tkd.hpp"

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "device/launch.hpp"
#include "math/dipole.hpp"
#include "math/finite.hpp"
#include "math/pad.hpp"

namespace qsm {
namespace {

struct LoadMasked {
  Field<float const> local_ppm;
  Field<std::uint8_t const> mask;
  Window window;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    float value = 0;
    if (Index3 const from = i + window.origin; window.grid.contains(i) && mask[from])
      value = local_ppm[from];
    out[i] = finite_or_zero(value);
  }
};

struct DivideByDipole {
  DipoleKernel dipole;
  double threshold;
  float scale;  // 1/N of the transform pair
  Field<Complex> spectrum;
  QSM_HD void operator()(Index3 k) const {
    double const d = dipole(k);
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    // At the magic angle D is zero up to rounding, whose sign would differ between processors.
    double const sign = d < -1e-9 ? -1 : 1;
    double const clamped = d > threshold || d < -threshold ? d : sign * threshold;
    spectrum[k] = (dc ? 0.0f : scale / static_cast<float>(clamped)) * spectrum[k];
  }
};

struct StoreMasked {
  Field<float const> chi;
  Field<std::uint8_t const> mask;
  Window window;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = mask[i] ? chi[i - window.origin] : 0.0f; }
};

}  // namespace

template <class Device>
void tkd(Device const& device, Vec3d voxel_mm, Vec3d b0_direction, Field<float const> local_ppm,
         Field<std::uint8_t const> mask, TkdOptions const& options, Field<float> chi_ppm,
         Control const& control) {
  require(options.threshold > 0 && options.threshold < 2.0 / 3.0, "INVALID_OPTION",
          "the threshold is " + std::to_string(options.threshold) + "; it must be in (0, 2/3)");
  auto const problem = pad_for_inversion(device, mask, options.pad_voxels);
  auto const dipole = dipole_kernel(problem.grid, voxel_mm, b0_direction);
  RealFft<Device> const fft(device, problem.grid);
  Buffer<Device, float> volume(device, problem.grid);
  Buffer<Device, Complex> spectrum(device, fft.half());
  for_each_voxel(device, problem.grid, LoadMasked{local_ppm, mask, problem.window, volume.field()});
  fft.forward(volume.view(), spectrum.field());
  control.check_cancelled();
  for_each_voxel(device, fft.half(),
                 DivideByDipole{dipole, options.threshold, fft.scale(), spectrum.field()});
  fft.inverse(spectrum.field(), volume.field());
  for_each_voxel(device, mask.grid, StoreMasked{volume.view(), mask, problem.window, chi_ppm});
}

template void tkd(ThisDevice const&, Vec3d, Vec3d, Field<float const>, Field<std::uint8_t const>,
                  TkdOptions const&, Field<float>, Control const&);

}  // namespace qsm
