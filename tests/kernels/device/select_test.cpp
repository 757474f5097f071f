#include "device/select.hpp"

#include <limits>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using SelectTest = test::DeviceTest;
using ReduceTest = test::DeviceTest;

TEST_F(SelectTest, InterpolatesBetweenOrderStatisticsInsideTheMask) {
  Grid const g{5, 1, 1};
  std::vector<float> const values = {4, 1, 100, 3, 2};
  std::vector<std::uint8_t> const mask = {1, 1, 0, 1, 1};
  Buffer<ThisDevice, float> const v(device(), g, values);
  Buffer<ThisDevice, std::uint8_t> const m(device(), g, mask);

  auto const p = percentiles(device(), v.view(), m.view(), {0, 50, 100});

  EXPECT_DOUBLE_EQ(p[0], 1);
  EXPECT_DOUBLE_EQ(p[1], 2.5);
  EXPECT_DOUBLE_EQ(p[2], 4);
}

TEST_F(SelectTest, LeavesNanOutAndRefusesAnEmptyMask) {
  Grid const g{3, 1, 1};
  std::vector<float> const values = {std::numeric_limits<float>::quiet_NaN(), 1, 2};
  std::vector<std::uint8_t> const none = {1, 0, 0};
  Buffer<ThisDevice, float> const v(device(), g, values);
  Buffer<ThisDevice, std::uint8_t> const m(device(), g, none);

  EXPECT_DOUBLE_EQ(percentiles(device(), v.view(), {}, {100})[0], 2);
  try {
    percentiles(device(), v.view(), m.view(), {50});
    FAIL() << "an empty mask was accepted";
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "EMPTY_MASK");
  }
}

struct LinearIndex {
  Grid grid;
  QSM_HD double operator()(Index3 i) const { return static_cast<double>(grid.linear(i)); }
};

TEST_F(ReduceTest, SumsAndFindsTheMaximumBeyondOneBlock) {
  Grid const g{67, 33, 9};
  double const n = static_cast<double>(g.size());

  EXPECT_DOUBLE_EQ(sum_over(device(), g, LinearIndex{g}), n * (n - 1) / 2);
  EXPECT_DOUBLE_EQ(max_over(device(), g, LinearIndex{g}), n - 1);
}

struct StoreIndex {
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = static_cast<float>(out.grid.linear(i)); }
};

TEST_F(ReduceTest, EveryVoxelIsVisitedOnce) {
  Grid const g{35, 17, 3};
  Buffer<ThisDevice, float> out(device(), g);

  for_each_voxel(device(), g, StoreIndex{out.field()});

  auto const host = out.to_host();
  for (std::size_t n = 0; n < host.size(); ++n) EXPECT_EQ(host[n], static_cast<float>(n));
}

}  // namespace
}  // namespace qsm
