#include "device/select.hpp"

#include <thrust/copy.h>
#include <thrust/partition.h>
#include <thrust/sort.h>

#include <cmath>

#include "device/buffer.hpp"
#include "device/thrust_policy.hpp"

namespace qsm {
namespace {

struct NotNan {
  QSM_HD bool operator()(float v) const { return v == v; }
};
struct Selected {
  QSM_HD bool operator()(std::uint8_t m) const { return m != 0; }
};

}  // namespace

template <class Device>
std::vector<double> percentiles(Device const& device, Field<float const> values,
                                Field<std::uint8_t const> mask,
                                std::vector<double> const& percents) {
  Buffer<Device, float> sorted(device, values.grid);
  StreamScratch scratch(device);
  auto const policy = thrust_policy(device, scratch);
  float* const begin = sorted.field().data;
  float* end = begin;
  if (mask)
    end = thrust::copy_if(policy, values.data, values.data + values.size(), mask.data, begin,
                          Selected{});
  else
    end = thrust::copy(policy, values.data, values.data + values.size(), begin);
  end = thrust::partition(policy, begin, end, NotNan{});
  auto const count = static_cast<std::size_t>(end - begin);
  require(count > 0, "EMPTY_MASK", "no finite value lies inside the mask");
  thrust::sort(policy, begin, end);

  std::vector<double> result;
  for (double const percent : percents) {
    double const position = percent / 100.0 * static_cast<double>(count - 1);
    auto const low = static_cast<std::size_t>(position);
    std::size_t const high = low + 1 < count ? low + 1 : low;
    float pair[2];
    copy_to_host(device, &pair[0], begin + low, sizeof(float));
    copy_to_host(device, &pair[1], begin + high, sizeof(float));
    double const t = position - static_cast<double>(low);
    result.push_back((1 - t) * static_cast<double>(pair[0]) + t * static_cast<double>(pair[1]));
  }
  return result;
}

template std::vector<double> percentiles(ThisDevice const&, Field<float const>,
                                         Field<std::uint8_t const>, std::vector<double> const&);

}  // namespace qsm
