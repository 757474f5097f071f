#include "phase/neighbour_turns.hpp"

#include <cmath>
#include <numbers>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "phase/spanning_forest.hpp"

namespace qsm {
namespace {

constexpr float kTurn = static_cast<float>(2 * std::numbers::pi);

/// Steps to the neighbours of one voxel.
struct Steps {
  float to[6];
  int count = 0;

  QSM_HD float length(int turns) const {
    float sum = 0;
    for (int n = 0; n < count; ++n) sum += fabsf(to[n] - kTurn * static_cast<float>(turns));
    return sum;
  }
};

struct NearestTurn {
  Field<float const> phase;
  Field<std::uint32_t const> component;
  Field<std::int32_t> turns;

  QSM_HD void operator()(Index3 i) const {
    turns[i] = 0;
    if (component[i] == kNoComponent) return;
    Steps steps;
    bool beyond = false;
    for (int axis = 0; axis < 3; ++axis)
      for (int side = -1; side <= 1; side += 2) {
        Index3 const j{i.x + (axis == 0 ? side : 0), i.y + (axis == 1 ? side : 0),
                       i.z + (axis == 2 ? side : 0)};
        if (!phase.grid.contains(j) || component[j] != component[i]) continue;
        float const step = phase[j] - phase[i];
        beyond = beyond || fabsf(step) > kTurn / 2;
        steps.to[steps.count++] = step;
      }
    if (!beyond) return;  // nearly every voxel
    float shortest = steps.length(0);
    for (int n = 0; n < steps.count; ++n) {
      int const k = static_cast<int>(rintf(steps.to[n] / kTurn));
      float const length = steps.length(k);
      if (length >= shortest) continue;
      shortest = length;
      turns[i] = k;
    }
  }
};

struct Turned {
  Field<std::int32_t const> turns;
  QSM_HD double operator()(Index3 i) const { return turns[i] != 0; }
};

}  // namespace

template <class Device>
std::size_t neighbour_turns(Device const& device, Field<float const> phase,
                            Field<std::uint32_t const> component, Field<std::int32_t> turns) {
  for_each_voxel(device, phase.grid, NearestTurn{phase, component, turns});
  return static_cast<std::size_t>(sum_over(device, phase.grid, Turned{turns}));
}

template std::size_t neighbour_turns(ThisDevice const&, Field<float const>,
                                     Field<std::uint32_t const>, Field<std::int32_t>);

}  // namespace qsm
