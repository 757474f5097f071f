#include "background/background.hpp"

#include "device/device.hpp"

namespace qsm {

template <class Device>
void remove_background(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
                       Field<std::uint8_t const> mask, Field<float const> weight,
                       BackgroundOptions const& options, Field<float> local_ppm,
                       Field<std::uint8_t> local_mask, Control const& control) {
  if (options.method == BackgroundMethod::kVsharpLs) {
    vsharp_ls(device, voxel_mm, total_ppm, mask, weight,
              {.radii_mm = options.radii_mm,
               .moment_match = options.moment_match,
               .lambda = options.lambda,
               .iterations = options.iterations},
              local_ppm, local_mask, control);
    return;
  }
  VsharpOptions direct{.radii_mm = options.radii_mm,
                       .threshold = threshold_of(options),
                       .moment_match = options.moment_match};
  if (options.method == BackgroundMethod::kSharp) {
    if (direct.radii_mm.empty()) direct.radii_mm = {kSharpRadiusMm};
    require(direct.radii_mm.size() == 1, "INVALID_RADII", "SHARP takes one radius");
  }
  vsharp(device, voxel_mm, total_ppm, mask, direct, local_ppm, local_mask, control);
}

template void remove_background(ThisDevice const&, Vec3d, Field<float const>,
                                Field<std::uint8_t const>, Field<float const>,
                                BackgroundOptions const&, Field<float>, Field<std::uint8_t>,
                                Control const&);

}  // namespace qsm
