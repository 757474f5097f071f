#include "inversion/closed_form.hpp"

#include <cmath>
#include <string>

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "device/launch.hpp"
#include "math/dipole.hpp"
#include "math/pad.hpp"
#include "math/stencil.hpp"

namespace qsm {
namespace {

struct DivideByDipole {
  DipoleKernel dipole;
  ClosedForm method;
  double threshold, lambda;
  Vec3 gradient;  // scales of math/stencil.hpp
  float scale;    // 1/N of the transform pair
  Field<Complex> spectrum;

  QSM_HD double inverse(Index3 k) const {
    double const d = dipole(k);
    if (method == ClosedForm::kTikhonov) return d / (d * d + lambda);
    if (method == ClosedForm::kTikhonovGradient)
      return d / (d * d + lambda * gradient_symbol(k, dipole.grid, gradient));
    if (d > threshold || d < -threshold) return 1 / d;
    if (method == ClosedForm::kTsvd) return 0;
    // At the magic angle D is zero up to rounding, whose sign would differ between processors.
    return (d < -1e-9 ? -1 : 1) / threshold;
  }
  QSM_HD void operator()(Index3 k) const {
    bool const dc = k.x == 0 && k.y == 0 && k.z == 0;
    spectrum[k] = (dc ? 0.0f : scale * static_cast<float>(inverse(k))) * spectrum[k];
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
void invert_closed_form(Device const& device, Vec3d voxel_mm, Vec3d b0_direction,
                        Field<float const> local_ppm, Field<std::uint8_t const> mask,
                        ClosedFormOptions const& options, Field<float> chi_ppm,
                        Control const& control) {
  require(options.threshold > 0 && options.threshold < 2.0 / 3.0, "INVALID_OPTION",
          "the threshold is " + std::to_string(options.threshold) + "; it must be in (0, 2/3)");
  require(options.lambda > 0 && std::isfinite(options.lambda), "INVALID_OPTION",
          "lambda is " + std::to_string(options.lambda) + "; it must be positive");
  auto const problem = pad_for_inversion(device, mask, options.pad_voxels);
  auto const dipole = dipole_kernel(problem.grid, voxel_mm, b0_direction);
  RealFft<Device> const fft(device, problem.grid);
  Buffer<Device, float> volume(device, problem.grid);
  Buffer<Device, Complex> spectrum(device, fft.half());
  for_each_voxel(device, problem.grid,
                 EmbedMasked{local_ppm, mask, problem.window, volume.field()});
  fft.forward(volume.view(), spectrum.field());
  control.check_cancelled();
  for_each_voxel(device, fft.half(),
                 DivideByDipole{.dipole = dipole,
                                .method = options.method,
                                .threshold = options.threshold,
                                .lambda = options.lambda,
                                .gradient = gradient_scale(voxel_mm),
                                .scale = fft.scale(),
                                .spectrum = spectrum.field()});
  fft.inverse(spectrum.field(), volume.field());
  for_each_voxel(device, mask.grid, StoreMasked{volume.view(), mask, problem.window, chi_ppm});
}

template void invert_closed_form(ThisDevice const&, Vec3d, Vec3d, Field<float const>,
                                 Field<std::uint8_t const>, ClosedFormOptions const&, Field<float>,
                                 Control const&);

}  // namespace qsm
