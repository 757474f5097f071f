#include "mask/robust_threshold.hpp"

#include <algorithm>

#include "device/reduce.hpp"
#include "device/select.hpp"

namespace qsm {
namespace {

struct CountBetween {
  Field<float const> value;
  double low, high;
  QSM_HD bool holds(Index3 i) const {
    double const v = static_cast<double>(value[i]);
    return low <= v && v <= high;
  }
  QSM_HD double operator()(Index3 i) const { return holds(i); }
};

struct SumBetween {
  CountBetween range;
  QSM_HD double operator()(Index3 i) const {
    return range.holds(i) ? static_cast<double>(range.value[i]) : 0.0;
  }
};

template <class Device>
double mean_between(Device const& device, Field<float const> value, double low, double high) {
  CountBetween const range{value, low, high};
  double const count = sum_over(device, value.grid, range);
  return count > 0 ? sum_over(device, value.grid, SumBetween{range}) / count : 0;
}

}  // namespace

template <class Device>
double robust_threshold(Device const& device, Field<float const> magnitude) {
  auto const q = percentiles(device, magnitude, {}, {5, 15, 80, 99});
  double const high = mean_between(device, magnitude, q[2], q[3]);
  double noise = mean_between(device, magnitude, 0, q[1]);
  if (noise > high / 10) noise = mean_between(device, magnitude, 0, q[0]);
  if (noise > high / 10) noise = 0;  // there is no air in the volume
  return std::max(5 * noise, high / 5);
}

template double robust_threshold(ThisDevice const&, Field<float const>);

}  // namespace qsm
