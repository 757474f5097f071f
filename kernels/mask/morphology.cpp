#include "mask/morphology.hpp"

#include <string>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "math/count.hpp"
#include "math/distance_transform.hpp"

namespace qsm {
namespace {

struct Include {
  Field<std::uint8_t const> other;
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const { mask[i] = mask[i] != 0 || other[i] != 0; }
};

}  // namespace

template <class Device>
void open_by_ball(Device const& device, Field<std::uint8_t> mask, Vec3d voxel_mm,
                  double radius_mm) {
  if (radius_mm <= 0) return;
  erode(device, mask, voxel_mm, radius_mm, mask);
  dilate(device, mask, voxel_mm, radius_mm, mask);
}

template <class Device>
void close_by_ball(Device const& device, Field<std::uint8_t> mask, Vec3d voxel_mm,
                   double radius_mm) {
  if (radius_mm <= 0) return;
  Buffer<Device, std::uint8_t> closed(device, mask.grid);
  dilate(device, mask, voxel_mm, radius_mm, closed.field());
  erode(device, closed.view(), voxel_mm, radius_mm, closed.field());
  for_each_voxel(device, mask.grid, Include{closed.view(), mask});
}

template <class Device>
std::size_t erode_rim(Device const& device, Field<std::uint8_t> mask, Vec3d voxel_mm,
                      double radius_mm) {
  if (radius_mm > 0) erode(device, mask, voxel_mm, radius_mm, mask);
  std::size_t const count = count_voxels<Device>(device, mask);
  require(count > 0, "EMPTY_MASK",
          "eroding the mask by " + std::to_string(radius_mm) + " mm leaves no voxel");
  return count;
}

template void open_by_ball(ThisDevice const&, Field<std::uint8_t>, Vec3d, double);
template void close_by_ball(ThisDevice const&, Field<std::uint8_t>, Vec3d, double);
template std::size_t erode_rim(ThisDevice const&, Field<std::uint8_t>, Vec3d, double);

}  // namespace qsm
