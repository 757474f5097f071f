#include "inversion/reference.hpp"

#include <string>

#include "device/buffer.hpp"
#include "device/error.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/select.hpp"
#include "math/components.hpp"
#include "math/count.hpp"

namespace qsm {
namespace {

struct SumMasked {
  Field<std::uint8_t const> mask;
  Field<float const> chi;
  QSM_HD double operator()(Index3 i) const { return mask[i] ? static_cast<double>(chi[i]) : 0.0; }
};

struct SubtractMasked {
  Field<std::uint8_t const> mask;
  float reference;
  Field<float> chi;
  QSM_HD void operator()(Index3 i) const { chi[i] = mask[i] ? chi[i] - reference : 0.0f; }
};

struct SumPosition {
  Field<std::uint8_t const> mask;
  int axis;
  QSM_HD double operator()(Index3 i) const {
    return mask[i] ? static_cast<double>(axis == 0 ? i.x : axis == 1 ? i.y : i.z) : 0.0;
  }
};

struct SquaredDistance {
  Field<std::uint8_t const> mask;
  Vec3d centre;  // [voxels]
  Vec3d voxel_mm;
  QSM_HD double operator()(Index3 i) const { return mask[i] ? at(i) : 0.0; }
  QSM_HD double at(Index3 i) const {
    Vec3d const d{(i.x - centre.x) * voxel_mm.x, (i.y - centre.y) * voxel_mm.y,
                  (i.z - centre.z) * voxel_mm.z};
    return dot(d, d);
  }
};

struct SlowAndCentral {
  SquaredDistance distance;
  double farthest_mm2;
  Field<float const> r2s;
  Field<std::uint8_t> region;
  QSM_HD void operator()(Index3 i) const {
    constexpr float kSlowestTissue = 5;  // [1/s] at 3 T; fluid is below
    region[i] = distance.mask[i] && r2s[i] < kSlowestTissue && distance.at(i) <= farthest_mm2;
  }
};

struct AtLeast {
  Field<float const> value;
  float threshold;
  Field<std::uint8_t const> mask;
  Field<std::uint8_t> selected;
  QSM_HD void operator()(Index3 i) const { selected[i] = mask[i] && value[i] >= threshold; }
};

template <class Device>
double mean_over(Device const& device, Field<std::uint8_t const> mask, Field<float const> chi) {
  return sum_over(device, mask.grid, SumMasked{mask, chi}) /
         static_cast<double>(count_voxels(device, mask));
}

void require_voxels(std::size_t count) {
  require(count > 0, "EMPTY_MASK", "the mask holds no voxel to refer the susceptibility to");
}

}  // namespace

template <class Device>
double reference(Device const& device, ReferenceMethod method, Field<std::uint8_t const> mask,
                 Field<float> chi_ppm, Field<std::uint8_t const> csf) {
  require_voxels(count_voxels(device, mask));
  double value = 0;
  if (method == ReferenceMethod::kMaskMean) value = mean_over(device, mask, chi_ppm);
  if (method == ReferenceMethod::kCsf) {
    require(csf && count_voxels(device, csf) > 0, "NO_CSF",
            "no fluid was found to refer the susceptibility to");
    value = mean_over(device, csf, chi_ppm);
  }
  for_each_voxel(device, mask.grid, SubtractMasked{mask, static_cast<float>(value), chi_ppm});
  return value;
}

template <class Device>
std::size_t csf_region(Device const& device, Vec3d voxel_mm, Field<float const> r2s_per_s,
                       Field<std::uint8_t const> mask, Field<std::uint8_t> csf) {
  constexpr double kSmallestMm3 = 100;
  std::size_t const count = count_voxels(device, mask);
  require_voxels(count);
  auto const mean = [&](int axis) {
    return sum_over(device, mask.grid, SumPosition{mask, axis}) / static_cast<double>(count);
  };
  SquaredDistance const distance{mask, {mean(0), mean(1), mean(2)}, voxel_mm};
  double const third_mm2 = max_over(device, mask.grid, distance) / 9;
  for_each_voxel(device, mask.grid, SlowAndCentral{distance, third_mm2, r2s_per_s, csf});

  std::size_t const found = count_voxels(device, csf) > 0 ? keep_largest_component(device, csf) : 0;
  double const mm3 = static_cast<double>(found) * voxel_mm.x * voxel_mm.y * voxel_mm.z;
  require(mm3 >= kSmallestMm3, "NO_CSF",
          "the largest fluid region (R2* < 5/s) in the middle of the mask has " +
              std::to_string(static_cast<long>(mm3)) + " mm^3, less than 100");
  return found;
}

template <class Device>
double chi_where_r2s_is_largest(Device const& device, Field<float const> chi_ppm,
                                Field<float const> r2s_per_s, Field<std::uint8_t const> mask) {
  double const threshold = percentiles(device, r2s_per_s, mask, {99.5}).front();
  Buffer<Device, std::uint8_t> fastest(device, mask.grid);
  for_each_voxel(device, mask.grid,
                 AtLeast{r2s_per_s, static_cast<float>(threshold), mask, fastest.field()});
  return percentiles(device, chi_ppm, fastest.view(), {50}).front();
}

template double reference(ThisDevice const&, ReferenceMethod, Field<std::uint8_t const>,
                          Field<float>, Field<std::uint8_t const>);
template std::size_t csf_region(ThisDevice const&, Vec3d, Field<float const>,
                                Field<std::uint8_t const>, Field<std::uint8_t>);
template double chi_where_r2s_is_largest(ThisDevice const&, Field<float const>, Field<float const>,
                                         Field<std::uint8_t const>);

}  // namespace qsm
