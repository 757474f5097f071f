#include "device/run_and_sum.hpp"

#include <vector>

#include "device/buffer.hpp"
#include "math/stencil.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using RunAndSumTest = test::DeviceTest;

/// Reads `value` here and one up on every axis; writes `slope`. The sums count it.
struct Rise {
  Field<float const> value;
  Field<float> slope;
  template <class Index>
  QSM_HD Sums operator()(Index i) const {
    float sum = 0;
    for (int axis : {0, 1, 2}) sum += value[neighbour(value.grid, i, axis, 1)] - value[i];
    slope[i] = sum;
    return {1, static_cast<double>(sum)};
  }
};

/// Reads `slope` here and one down; overwrites `value`.
struct Fall {
  Field<float const> slope;
  Field<float> value;
  template <class Index>
  QSM_HD void operator()(Index i) const {
    float sum = 0;
    for (int axis : {0, 1, 2}) sum += slope[neighbour(slope.grid, i, axis, -1)] - slope[i];
    value[i] = sum;
  }
};

// As many slices as make several slabs, less than one, and one.
TEST_F(RunAndSumTest, TheFollowerSeesWhatTheKernelWroteAndTheKernelNothingOfTheFollower) {
  for (Grid const g : {Grid{5, 4, 37}, Grid{19, 3, 16}, Grid{2, 1, 3}, Grid{1, 2, 1}}) {
    std::vector<float> values(g.size());
    for (std::size_t n = 0; n < values.size(); ++n)
      values[n] = static_cast<float>((n * 7919) % 101);
    Buffer<ThisDevice, float> together(device(), g, values), apart(device(), g, values);
    Buffer<ThisDevice, float> slope(device(), g), slope_apart(device(), g);
    auto scratch = sum_scratch(device(), g);

    Sums const sums = run_and_sum(device(), g, Rise{together.view(), slope.field()},
                                  Fall{slope.view(), together.field()}, scratch);
    Sums const alone = run_and_sum(device(), g, Rise{apart.view(), slope_apart.field()}, scratch);
    for_each_voxel(device(), g, Fall{slope_apart.view(), apart.field()});

    EXPECT_EQ(sums.first, static_cast<double>(g.size()));
    EXPECT_EQ(sums.second, alone.second);
    EXPECT_EQ(slope.to_host(), slope_apart.to_host());
    EXPECT_EQ(together.to_host(), apart.to_host());
  }
}

}  // namespace
}  // namespace qsm
