#include "inversion/reference.hpp"

#include "device/error.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
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

}  // namespace

template <class Device>
double reference(Device const& device, ReferenceMethod method, Field<std::uint8_t const> mask,
                 Field<float> chi_ppm) {
  auto const count = static_cast<double>(count_voxels(device, mask));
  require(count > 0, "EMPTY_MASK", "the mask holds no voxel to refer the susceptibility to");
  double value = 0;
  if (method == ReferenceMethod::kMaskMean)
    value = sum_over(device, mask.grid, SumMasked{mask, chi_ppm}) / count;
  for_each_voxel(device, mask.grid, SubtractMasked{mask, static_cast<float>(value), chi_ppm});
  return value;
}

template double reference(ThisDevice const&, ReferenceMethod, Field<std::uint8_t const>,
                          Field<float>);

}  // namespace qsm
