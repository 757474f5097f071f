#include "phase/romeo_unwrap.hpp"

#include <algorithm>
#include <numbers>

#include "device/launch.hpp"
#include "math/count.hpp"
#include "math/echo_fields.hpp"
#include "math/finite.hpp"
#include "phase/component_turns.hpp"
#include "phase/edge_weights.hpp"
#include "phase/neighbour_turns.hpp"
#include "phase/spanning_forest.hpp"
#include "phase/temporal_unwrap.hpp"

namespace qsm {
namespace {

struct FiniteInMask {
  Field<float const> phase;
  Field<std::uint8_t const> mask;
  Field<std::uint8_t> usable;
  QSM_HD void operator()(Index3 i) const { usable[i] = mask[i] != 0 && is_finite(phase[i]); }
};

struct NumberedOnly {
  Field<std::uint32_t const> number;
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const { mask[i] = number[i] != kNoComponent; }
};

struct Above {
  Field<float const> quality;
  float limit;
  Field<std::uint8_t const> usable;
  Field<std::uint8_t> settled;
  QSM_HD void operator()(Index3 i) const { settled[i] = usable[i] != 0 && quality[i] > limit; }
};

/// Adds the turns, in double: the sum is the float nearest to a value congruent with the data.
struct AddTurns {
  Field<std::int32_t const> turns;
  Field<std::uint8_t const> where;
  Field<float> phase;
  QSM_HD void operator()(Index3 i) const {
    constexpr double kTwoPi = 2 * std::numbers::pi;
    phase[i] =
        where[i] ? static_cast<float>(static_cast<double>(phase[i]) + kTwoPi * turns[i]) : 0.0f;
  }
};

/// What no path joins to the settled voxels stays as it is.
struct OnlyFromAnchor {
  Field<std::uint32_t const> component;
  std::uint32_t anchor;
  Field<std::int32_t> turns;
  QSM_HD void operator()(Index3 i) const {
    if (component[i] != anchor) turns[i] = 0;
  }
};

struct Turned {
  Field<std::int32_t const> turns;
  QSM_HD double operator()(Index3 i) const { return turns[i] != 0; }
};

float growth_of(RomeoEchoes const& echoes, std::size_t from, std::size_t to) {
  return static_cast<float>(echoes.te_s[to] / echoes.te_s[from]);
}

/// Echo e beside another one; beside itself: without gradient coherence.
RomeoInputs inputs_of(RomeoEchoes const& echoes, std::size_t e, std::size_t other) {
  RomeoInputs in{.phase = echoes.phases[e],
                 .second = {},
                 .magnitude = {},
                 .te_ratio = growth_of(echoes, other, e),
                 .settled = {}};
  if (other != e) in.second = echoes.phases[other];
  if (!echoes.magnitudes.empty()) in.magnitude = echoes.magnitudes[e];
  return in;
}

void check(RomeoEchoes const& echoes) {
  echo_fields({echoes.phases.begin(), echoes.phases.end()}, echoes.te_s);
  if (!echoes.magnitudes.empty()) echo_fields(echoes.magnitudes, echoes.te_s);
  echo_times(echoes.te_s);
}

template <class Device>
class PathUnwrap {
 public:
  PathUnwrap(Device const& device, RomeoEchoes const& echoes, RomeoOptions const& options,
             Field<std::uint8_t> mask)
      : device_(device),
        echoes_(echoes),
        options_(options),
        mask_(mask),
        costs_(device, mask.grid),
        component_(device, mask.grid),
        turns_(device, mask.grid),
        quality_(device, mask.grid),
        usable_(device, mask.grid) {}

  RomeoSummary run() {
    std::size_t const before = count_voxels(device_, mask_);
    require(before > 0, "EMPTY_MASK", "the mask has no voxel");
    first_echo();
    summary_.dropped = before - count_voxels(device_, mask_);
    for (std::size_t e = 1; e < echoes_.phases.size(); ++e)
      options_.mode == EchoMode::kTemplate ? predict(e) : follow(e);
    return summary_;
  }

 private:
  void first_echo() {
    std::size_t const last = echoes_.phases.size() - 1;
    find_usable(0);
    spatial_costs(0, last > 0 ? 1 : 0);
    voxel_quality(device_, costs_.view(), quality_.field());
    forest(0, {});
    auto const components =
        number_components(device_, component_.view(),
                          static_cast<std::size_t>(std::max(1, options_.min_component_voxels)));
    require(components.count > 0, "EMPTY_MASK",
            "no piece of the mask has " + std::to_string(options_.min_component_voxels) +
                " voxels with phase");
    if (last > 0)
      align_with_echo(device_, components, echoes_.phases[1], growth(0, 1), quality_.view(),
                      turned(0));
    else
      shift_to_prediction(device_, components, {}, 0, turned(0));
    for_each_voxel(device_, mask_.grid, NumberedOnly{components.number.view(), mask_});
    add_turns(0, mask_);
    settle_single_voxels(0, mask_);
    summary_.components = components.count;
  }

  /// Template mode: from the echo before, and by paths where that is uncertain.
  void predict(std::size_t e) {
    Field<float> const phase = echoes_.phases[e];
    find_usable(e);
    unwrap_echo(device_, echoes_.phases[e - 1], echoes_.te_s[e - 1], phase, echoes_.te_s[e], phase);
    turns_.zero();
    add_turns(e, usable_.view());
    RomeoInputs in = inputs(e, e - 1);
    in.phase_scale = 0.5f;
    in.second_scale = 0.5f * growth(e - 1, e);
    in.te_ratio = 1;
    romeo_edge_costs(device_, in, usable_.view(), costs_);
    voxel_quality(device_, costs_.view(), quality_.field());
    Buffer<Device, std::uint8_t> settled(device_, mask_.grid);
    for_each_voxel(
        device_, mask_.grid,
        Above{quality_.view(), options_.certain_quality, usable_.view(), settled.field()});
    std::size_t const certain = count_voxels(device_, settled.view());
    if (certain == 0 || certain == count_voxels(device_, usable_.view())) return;

    in = inputs(e, e - 1);
    in.settled = settled.view();
    romeo_edge_costs(device_, in, usable_.view(), costs_);
    std::uint32_t const anchor = forest(e, settled.view());
    for_each_voxel(device_, mask_.grid, OnlyFromAnchor{component_.view(), anchor, turns_.field()});
    summary_.repaired +=
        static_cast<std::size_t>(sum_over(device_, mask_.grid, Turned{turns_.view()}));
    add_turns(e, usable_.view());
  }

  /// Individual mode: in space, and every component by the echo before.
  void follow(std::size_t e) {
    find_usable(e);
    spatial_costs(e, e + 1 < echoes_.phases.size() ? e + 1 : e - 1);
    forest(e, {});
    auto const components = number_components(device_, component_.view(), 1);
    shift_to_prediction(device_, components, echoes_.phases[e - 1], growth(e - 1, e), turned(e));
    add_turns(e, usable_.view());
    settle_single_voxels(e, usable_.view());
  }

  /// What the tree joined by its one best edge, and its neighbours together place a turn away.
  void settle_single_voxels(std::size_t e, Field<std::uint8_t const> where) {
    summary_.settled +=
        neighbour_turns(device_, echoes_.phases[e], component_.view(), turns_.field());
    add_turns(e, where);
  }

  void find_usable(std::size_t e) {
    for_each_voxel(device_, mask_.grid, FiniteInMask{echoes_.phases[e], mask_, usable_.field()});
  }

  RomeoInputs inputs(std::size_t e, std::size_t other) const {
    RomeoInputs in = inputs_of(echoes_, e, other);
    in.magnitude_level = options_.magnitude_level && in.magnitude;
    return in;
  }

  void spatial_costs(std::size_t e, std::size_t other) {
    if (options_.weights == PathWeights::kBestPath)
      best_path_edge_costs(device_, echoes_.phases[e], usable_.view(), costs_);
    else
      romeo_edge_costs(device_, inputs(e, other), usable_.view(), costs_);
  }

  std::uint32_t forest(std::size_t e, Field<std::uint8_t const> settled) {
    return spanning_forest(device_, echoes_.phases[e], usable_.view(), costs_.view(),
                           {component_.field(), turns_.field()}, settled)
        .anchor;
  }

  void add_turns(std::size_t e, Field<std::uint8_t const> where) {
    for_each_voxel(device_, mask_.grid, AddTurns{turns_.view(), where, echoes_.phases[e]});
  }

  TurnedPhase turned(std::size_t e) { return {echoes_.phases[e], turns_.field()}; }
  float growth(std::size_t from, std::size_t to) const { return growth_of(echoes_, from, to); }

  Device const& device_;
  RomeoEchoes const& echoes_;
  RomeoOptions const& options_;
  Field<std::uint8_t> mask_;
  EdgeCostBuffers<Device> costs_;
  Buffer<Device, std::uint32_t> component_;
  Buffer<Device, std::int32_t> turns_;
  Buffer<Device, float> quality_;
  Buffer<Device, std::uint8_t> usable_;
  RomeoSummary summary_;
};

}  // namespace

template <class Device>
RomeoSummary romeo_unwrap(Device const& device, RomeoEchoes const& echoes,
                          RomeoOptions const& options, Field<std::uint8_t> mask) {
  check(echoes);
  return PathUnwrap<Device>(device, echoes, options, mask).run();
}

template <class Device>
void romeo_quality(Device const& device, RomeoEchoes const& echoes, Field<std::uint8_t const> mask,
                   Field<float> quality) {
  check(echoes);
  EdgeCostBuffers<Device> costs(device, mask.grid);
  romeo_edge_costs(device, inputs_of(echoes, 0, echoes.phases.size() > 1 ? 1 : 0), mask, costs);
  voxel_quality(device, costs.view(), quality);
}

template RomeoSummary romeo_unwrap(ThisDevice const&, RomeoEchoes const&, RomeoOptions const&,
                                   Field<std::uint8_t>);
template void romeo_quality(ThisDevice const&, RomeoEchoes const&, Field<std::uint8_t const>,
                            Field<float>);

}  // namespace qsm
