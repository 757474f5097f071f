#include "mask/combine_masks.hpp"

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "mask/morphology.hpp"
#include "math/components.hpp"
#include "math/count.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

struct Good {
  Field<float const> quality;  // may be empty
  float threshold;
  Field<std::uint8_t> good;
  QSM_HD void operator()(Index3 i) const {
    good[i] = !quality || (quality[i] > threshold && is_finite(quality[i]));
  }
};

struct Intersect {
  Field<std::uint8_t const> brain, signal, good;  // signal may be empty
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const {
    mask[i] = brain[i] != 0 && (!signal || signal[i] != 0) && good[i] != 0;
  }
};

}  // namespace

template <class Device>
std::size_t combine_masks(Device const& device, Field<std::uint8_t const> brain,
                          Field<std::uint8_t const> signal, Field<float const> quality,
                          Vec3d voxel_mm, CombineMasksOptions const& options,
                          Field<std::uint8_t> mask) {
  Buffer<Device, std::uint8_t> good(device, mask.grid);
  for_each_voxel(device, mask.grid,
                 Good{quality, static_cast<float>(options.quality_threshold), good.field()});
  if (quality) close_by_ball(device, good.field(), voxel_mm, options.closing_mm);
  for_each_voxel(device, mask.grid, Intersect{brain, signal, good.view(), mask});
  open_by_ball(device, mask, voxel_mm, options.opening_mm);
  keep_largest_component(device, mask);
  fill_holes(device, mask, options.max_hole_fraction);
  return count_voxels<Device>(device, mask);
}

template std::size_t combine_masks(ThisDevice const&, Field<std::uint8_t const>,
                                   Field<std::uint8_t const>, Field<float const>, Vec3d,
                                   CombineMasksOptions const&, Field<std::uint8_t>);

}  // namespace qsm
