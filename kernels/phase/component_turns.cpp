#include "phase/component_turns.hpp"

#include <algorithm>
#include <cmath>

#include "device/atomic.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/finite.hpp"
#include "math/vec.hpp"
#include "phase/spanning_forest.hpp"

namespace qsm {
namespace {

constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;

/// sums[label][k] += amount.value[k], integers, one atomic operation per run along x. Run per row:
/// Index3{y, z, 0}.
template <class Amount>
struct SumRuns {
  static constexpr int kSums = Amount::kSums;
  Field<std::uint32_t const> label;
  Amount amount;
  Field<std::uint64_t> sums;  // kSums per label

  QSM_HD void operator()(Index3 row) const {
    std::size_t const begin = label.grid.linear({0, row.x, row.y});
    std::size_t const end = begin + static_cast<std::size_t>(label.grid.nx);
    for (std::size_t n = begin; n < end;) {
      std::uint32_t const own = label.data[n];
      if (own == kNoComponent) {
        ++n;
        continue;
      }
      std::uint64_t run[kSums] = {};
      for (; n < end && label.data[n] == own; ++n) amount.add(n, own, run);
      for (int k = 0; k < kSums; ++k)
        if (run[k] != 0)
          atomic_add(sums.data + std::size_t{own} * kSums + static_cast<std::size_t>(k), run[k]);
    }
  }
};

template <class Device, class Amount>
void sum_runs(Device const& device, Field<std::uint32_t const> label, Amount amount,
              Buffer<Device, std::uint64_t>& sums) {
  sums.zero();
  for_each_voxel(device, {label.grid.ny, label.grid.nz, 1},
                 SumRuns<Amount>{label, amount, sums.field()});
}

struct One {
  static constexpr int kSums = 1;
  QSM_HD void add(std::size_t, std::uint32_t, std::uint64_t* run) const { ++run[0]; }
};

/// number[root] = the next free one, for components that are large enough.
struct TakeNumbers {
  Field<std::uint64_t const> size;
  std::uint64_t min_voxels;
  std::uint32_t* taken;
  Field<std::uint32_t> number;
  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = size.grid.linear(i);
    bool const large = size.data[n] > 0 && size.data[n] >= min_voxels;
    number.data[n] = large ? atomic_add(taken, 1) : kNoComponent;
  }
};

/// A component's size moves from its root to its number.
struct KeepSizes {
  Field<std::uint64_t const> size;
  Field<std::uint32_t const> number;
  Field<std::uint64_t> kept;
  QSM_HD void operator()(Index3 i) const {
    if (number[i] != kNoComponent) kept.data[number[i]] = size[i];
  }
};

struct NumberVoxels {
  Field<std::uint32_t const> root, number_of_root;
  Field<std::uint32_t> number;
  QSM_HD void operator()(Index3 i) const {
    std::uint32_t const r = root[i];
    number[i] = r == kNoComponent ? kNoComponent : number_of_root.data[r];
  }
};

/// rint((growth previous - phase) / 2 pi) - turns: what a voxel thinks is missing.
struct Missing {
  TurnedPhase echo;
  Field<float const> previous;
  float growth;
  QSM_HD std::int32_t at(std::size_t n) const {
    float const predicted = previous ? growth * previous.data[n] : 0.0f;
    return static_cast<std::int32_t>(rintf((predicted - echo.phase.data[n]) / kTwoPi)) -
           echo.turns.data[n];
  }
};

struct SignedMissing {
  Missing missing;
  Field<std::uint32_t const> number;
  double sign;
  QSM_HD double operator()(Index3 i) const {
    std::size_t const n = number.grid.linear(i);
    return number.data[n] == kNoComponent ? -1e300 : sign * missing.at(n);
  }
};

/// A component's median is in [low, high].
struct Range {
  std::int32_t low, high;
  QSM_HD std::int32_t middle() const { return low + (high - low) / 2; }
};

struct CountBelow {
  static constexpr int kSums = 1;
  Missing missing;
  Field<Range const> range;
  QSM_HD void add(std::size_t n, std::uint32_t own, std::uint64_t* run) const {
    run[0] += missing.at(n) <= range.data[own].middle();
  }
};

struct Bisect {
  Field<std::uint64_t const> below, size;
  Field<Range> range;
  QSM_HD void operator()(Index3 i) const {
    Range& r = range[i];
    if (2 * below[i] >= size[i])
      r.high = r.middle();
    else
      r.low = r.middle() + 1;
  }
};

struct AddMedian {
  Field<std::uint32_t const> number;
  Field<Range const> range;
  Field<std::int32_t> turns;
  QSM_HD void operator()(Index3 i) const {
    if (number[i] != kNoComponent) turns[i] += range.data[number[i]].low;
  }
};

constexpr int kCandidates = 5;
QSM_HD int candidate(int k) {  // 0 1 -1 2 -2: of equals the first is taken
  return k % 2 == 1 ? (k + 1) / 2 : -k / 2;
}

/// Five misfits and the total weight, in fixed point: 2^-12 rad and 2^-16.
struct Misfits {
  static constexpr int kSums = kCandidates + 1;
  TurnedPhase echo;
  Field<float const> other, quality;
  float te_ratio;
  QSM_HD void add(std::size_t n, std::uint32_t, std::uint64_t* run) const {
    if (!is_finite(other.data[n])) return;
    auto const weight = static_cast<std::uint64_t>(quality.data[n] * 65536.0f);
    float const phi = echo.phase.data[n] + kTwoPi * static_cast<float>(echo.turns.data[n]);
    float const miss = other.data[n] - phi * te_ratio;
    for (int k = 0; k < kCandidates; ++k) {
      float const off = wrap(miss - kTwoPi * te_ratio * static_cast<float>(candidate(k)));
      run[k] += weight * static_cast<std::uint64_t>((off < 0 ? -off : off) * 4096.0f);
    }
    run[kCandidates] += weight;
  }
};

struct TakeBest {
  Field<std::uint64_t const> sums;
  Field<std::int32_t> chosen;
  QSM_HD void operator()(Index3 i) const {
    constexpr double kCostPerTurn = 0.01;
    std::uint64_t const* const own = sums.data + static_cast<std::size_t>(i.x) * Misfits::kSums;
    double const weight = 4096.0 * static_cast<double>(own[kCandidates]);
    double best = 1e300;
    int turns = 0;
    for (int k = 0; k < kCandidates && weight > 0; ++k) {
      int const o = candidate(k);
      double const cost =
          static_cast<double>(own[k]) / weight + kCostPerTurn * static_cast<double>(o < 0 ? -o : o);
      if (cost < best) {
        best = cost;
        turns = o;
      }
    }
    chosen[i] = turns;
  }
};

struct AddChosen {
  Field<std::uint32_t const> number;
  Field<std::int32_t const> chosen;
  Field<std::int32_t> turns;
  QSM_HD void operator()(Index3 i) const {
    if (number[i] != kNoComponent) turns[i] += chosen.data[number[i]];
  }
};

}  // namespace

template <class Device>
Components<Device> number_components(Device const& device, Field<std::uint32_t const> root,
                                     std::size_t min_voxels) {
  Grid const grid = root.grid;
  Buffer<Device, std::uint64_t> size(device, grid);
  Buffer<Device, std::uint32_t> number_of_root(device, grid), taken(device, {1, 1, 1});
  sum_runs(device, root, One{}, size);
  taken.zero();
  for_each_voxel(device, grid,
                 TakeNumbers{size.view(), min_voxels, taken.field().data, number_of_root.field()});

  Components<Device> components{
      .number = {device, grid}, .size = {}, .count = static_cast<int>(taken.to_host().front())};
  components.size = {device, {components.count, 1, 1}};
  for_each_voxel(device, grid,
                 KeepSizes{size.view(), number_of_root.view(), components.size.field()});
  for_each_voxel(device, grid,
                 NumberVoxels{root, number_of_root.view(), components.number.field()});
  return components;
}

template <class Device>
void shift_to_prediction(Device const& device, Components<Device> const& components,
                         Field<float const> previous, float growth, TurnedPhase const& echo) {
  if (components.count == 0) return;
  Field<std::uint32_t const> const number = components.number.view();
  Missing const missing{echo, previous, growth};
  Range const all{
      static_cast<std::int32_t>(-max_over(device, number.grid, SignedMissing{missing, number, -1})),
      static_cast<std::int32_t>(max_over(device, number.grid, SignedMissing{missing, number, 1}))};
  Grid const list{components.count, 1, 1};
  Buffer<Device, Range> range(device, list,
                              std::vector<Range>(static_cast<std::size_t>(components.count), all));
  Buffer<Device, std::uint64_t> below(device, list);
  for (std::int64_t width = std::int64_t{all.high} - all.low; width > 0; width /= 2) {
    sum_runs(device, number, CountBelow{missing, range.view()}, below);
    for_each_voxel(device, list, Bisect{below.view(), components.size.view(), range.field()});
  }
  for_each_voxel(device, number.grid, AddMedian{number, range.view(), echo.turns});
}

template <class Device>
void align_with_echo(Device const& device, Components<Device> const& components,
                     Field<float const> other_wrapped, float te_ratio, Field<float const> quality,
                     TurnedPhase const& echo) {
  if (components.count == 0) return;
  Field<std::uint32_t const> const number = components.number.view();
  Grid const list{components.count, 1, 1};
  Buffer<Device, std::uint64_t> sums(device, {Misfits::kSums, components.count, 1});
  Buffer<Device, std::int32_t> chosen(device, list);
  sum_runs(device, number,
           Misfits{.echo = echo, .other = other_wrapped, .quality = quality, .te_ratio = te_ratio},
           sums);
  for_each_voxel(device, list, TakeBest{sums.view(), chosen.field()});
  for_each_voxel(device, number.grid, AddChosen{number, chosen.view(), echo.turns});
}

template struct Components<ThisDevice>;
template Components<ThisDevice> number_components(ThisDevice const&, Field<std::uint32_t const>,
                                                  std::size_t);
template void shift_to_prediction(ThisDevice const&, Components<ThisDevice> const&,
                                  Field<float const>, float, TurnedPhase const&);
template void align_with_echo(ThisDevice const&, Components<ThisDevice> const&, Field<float const>,
                              float, Field<float const>, TurnedPhase const&);

}  // namespace qsm
