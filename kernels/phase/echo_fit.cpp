#include "phase/echo_fit.hpp"

#include <algorithm>
#include <cmath>

#include "device/launch.hpp"
#include "device/select.hpp"

namespace qsm {
namespace {

struct Multiply {
  float factor;
  Field<float> value;
  QSM_HD void operator()(Index3 i) const { value[i] *= factor; }
};

// Wilson and Hilferty: within 0.5 % from two degrees of freedom on.
double chi_squared_median(int freedom) {
  if (freedom == 1) return 0.454936;
  double const d = freedom;
  return d * std::pow(1 - 2 / (9 * d), 3);
}

}  // namespace

template <class Device>
FitSummary scale_by_noise(Device const& device, Field<float const> misfit,
                          Field<std::uint8_t const> mask, int freedom, Field<float> noise_hz) {
  double const median = percentiles(device, misfit, mask, {50}).front();
  if (freedom < 1 || !(median > 0)) return {.freedom = std::max(freedom, 0)};
  double const sigma = std::sqrt(median / chi_squared_median(freedom));
  for_each_voxel(device, mask.grid, Multiply{static_cast<float>(sigma), noise_hz});
  return {.noise_sigma = sigma, .noise_is_absolute = true, .freedom = freedom};
}

template FitSummary scale_by_noise(ThisDevice const&, Field<float const>, Field<std::uint8_t const>,
                                   int, Field<float>);

}  // namespace qsm
