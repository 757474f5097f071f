#include "mask/make_mask.hpp"

#include "device/device.hpp"
#include "mask/brain_surface.hpp"
#include "mask/magnitude_mask.hpp"

namespace qsm {

template <class Device>
std::size_t make_mask(Device const& device, Field<float const> magnitude, Vec3d voxel_mm,
                      MaskOptions const& options, Field<std::uint8_t> mask) {
  if (options.method == MaskMethod::kBrainSurface)
    return brain_mask(device, magnitude, voxel_mm, options, mask);
  return magnitude_mask(device, magnitude, voxel_mm, options, mask);
}

template std::size_t make_mask(ThisDevice const&, Field<float const>, Vec3d, MaskOptions const&,
                               Field<std::uint8_t>);

}  // namespace qsm
