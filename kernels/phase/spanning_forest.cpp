#include "phase/spanning_forest.hpp"

#include <cmath>
#include <numbers>

#include "device/atomic.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/count.hpp"

namespace qsm {
namespace {

constexpr std::uint64_t kNoEdge = ~std::uint64_t{0};

/// An edge: cost, and which one (3 voxel + axis). Keys are distinct and order by cost first.
QSM_HD std::uint64_t edge_key(std::uint16_t cost, std::size_t voxel, int axis) {
  return (std::uint64_t{cost} << 32) | (3 * voxel + static_cast<std::size_t>(axis));
}
/// Where a root hangs: another root, and the turns to add. One word, read and written as a whole.
struct Link {
  std::uint32_t parent;
  std::int32_t turns;
  QSM_HD std::uint64_t word() const {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(turns)) << 32) | parent;
  }
  QSM_HD static Link of(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word), static_cast<std::int32_t>(word >> 32)};
  }
};

struct Forest {
  EdgeCosts costs;
  Field<float const> phase;
  Field<std::uint32_t> component;
  Field<std::int32_t> turns;
  Field<std::uint64_t> best;  // [root] key of the cheapest edge that leaves the component
  Field<std::uint64_t> link;  // [root] itself, or what it was hung from
  Field<std::uint8_t> inner;  // no edge leaves the voxel for another component: so it stays
  std::uint32_t anchor;       // a root that never moves, or kNoComponent
};

struct Start {
  Forest forest;
  Field<std::uint8_t const> mask, settled;
  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = mask.grid.linear(i);
    auto const own = static_cast<std::uint32_t>(n);
    bool const anchored = settled && settled.data[n] != 0;
    forest.component.data[n] = mask.data[n] == 0 ? kNoComponent : anchored ? forest.anchor : own;
    forest.turns.data[n] = 0;
    forest.best.data[n] = kNoEdge;
    forest.link.data[n] = Link{own, 0}.word();
    forest.inner.data[n] = mask.data[n] == 0;
  }
};

/// best[root] = the cheapest edge from the component to another.
struct ChooseEdges {
  Forest forest;
  QSM_HD void operator()(Index3 i) const {
    Grid const g = forest.component.grid;
    std::size_t const n = g.linear(i);
    if (forest.inner.data[n] != 0) return;
    std::uint32_t const own = forest.component.data[n];
    std::uint64_t cheapest = kNoEdge;
    for (int axis = 0; axis < 3; ++axis) {
      std::size_t const step = edge_stride(g, axis);
      int const at = coordinate(i, axis);
      // Beyond the border stands the voxel itself, which is no other component: no branches, for
      // whether an edge is open cannot be guessed.
      std::size_t const next = at + 1 < g.extent(axis) ? n + step : n;
      std::size_t const last = at > 0 ? n - step : n;
      cheapest = cheaper(cheapest, n, axis, forest.component.data[next] != own);
      cheapest = cheaper(cheapest, last, axis, forest.component.data[last] != own);
    }
    if (cheapest == kNoEdge)
      forest.inner.data[n] = 1;
    else
      atomic_min(forest.best.data + own, cheapest);
  }
  QSM_HD std::uint64_t cheaper(std::uint64_t cheapest, std::size_t voxel, int axis,
                               bool leaves) const {
    std::uint16_t const cost = forest.costs.along[axis].data[voxel];
    std::uint64_t const closed = static_cast<std::uint64_t>(!leaves) | (cost == 0);
    std::uint64_t const key = edge_key(cost, voxel, axis) | (0 - closed);  // or kNoEdge
    return key < cheapest ? key : cheapest;
  }
};

/// Whether the root of a component moves under the other end of its cheapest edge: of two roots
/// that chose each other the smaller stays, and so does the anchor.
QSM_HD bool moves(Forest const& forest, std::uint32_t root, std::uint32_t other) {
  bool const mutual = other != forest.anchor && forest.best.data[other] == forest.best.data[root];
  return root != forest.anchor && !(mutual && root < other);
}

struct Ends {
  std::size_t near, far;  // of the cheapest edge: in the component, and beyond
};
QSM_HD Ends ends_of(Forest const& forest, std::uint32_t root) {
  auto const edge = static_cast<std::uint32_t>(forest.best.data[root]);
  std::size_t const a = edge / 3;
  std::size_t const b = a + edge_stride(forest.component.grid, static_cast<int>(edge % 3));
  return forest.component.data[a] == root ? Ends{a, b} : Ends{b, a};
}

QSM_HD bool has_choice(Forest const& forest, std::size_t n) {
  return forest.component.data[n] == static_cast<std::uint32_t>(n) &&
         forest.best.data[n] != kNoEdge;
}

/// link[root] = the other end's root, and the turns that make the phase continuous there.
struct HangRoots {
  Forest forest;
  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = forest.component.grid.linear(i);
    if (!has_choice(forest, n)) return;
    auto const root = static_cast<std::uint32_t>(n);
    Ends const edge = ends_of(forest, root);
    std::uint32_t const other = forest.component.data[edge.far];
    if (!moves(forest, root, other)) return;
    constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;
    auto const between = static_cast<std::int32_t>(
        rintf((forest.phase.data[edge.near] - forest.phase.data[edge.far]) / kTwoPi));
    forest.link.data[n] =
        Link{other, forest.turns.data[edge.far] - between - forest.turns.data[edge.near]}.word();
  }
};

/// Cost of the edge that HangRoots took.
struct CostTaken {
  Forest forest;
  QSM_HD double operator()(Index3 i) const {
    std::size_t const n = forest.component.grid.linear(i);
    auto const root = static_cast<std::uint32_t>(n);
    if (forest.component.data[n] != root || Link::of(forest.link.data[n]).parent == root) return 0;
    return static_cast<double>(forest.best.data[n] >> 32);
  }
};

/// Every voxel looks its root up; links met on the way are shortened (path halving).
struct FollowLinks {
  Forest forest;
  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = forest.component.grid.linear(i);
    std::uint32_t const old = forest.component.data[n];
    if (old == kNoComponent || load(old).parent == old) {
      if (old == static_cast<std::uint32_t>(n)) forest.best.data[n] = kNoEdge;
      return;
    }
    Link const up = root_of(old);
    forest.component.data[n] = up.parent;
    forest.turns.data[n] += up.turns;
  }
  QSM_HD Link load(std::uint32_t n) const { return Link::of(atomic_load(forest.link.data + n)); }
  QSM_HD Link root_of(std::uint32_t start) const {
    Link total{start, 0};
    for (;;) {
      Link here = load(total.parent);
      Link const above = load(here.parent);
      bool const at_root = above.parent == here.parent;
      if (!at_root) {
        here = {above.parent, here.turns + above.turns};
        atomic_store(forest.link.data + total.parent, here.word());
      }
      total = {here.parent, total.turns + here.turns};
      if (!at_root) continue;
      if (total.parent != start) atomic_store(forest.link.data + start, total.word());
      return total;
    }
  }
};

struct MinusIndex {
  Field<std::uint8_t const> mask, settled;
  QSM_HD double operator()(Index3 i) const {
    return mask[i] && settled[i] ? -static_cast<double>(mask.grid.linear(i)) : -1e300;
  }
};

}  // namespace

template <class Device>
ForestSummary spanning_forest(Device const& device, Field<float const> phase,
                              Field<std::uint8_t const> mask, EdgeCosts costs,
                              ForestFields const& out, Field<std::uint8_t const> settled) {
  Grid const grid = mask.grid;
  require(grid.size() < kNoComponent / 3, "VOLUME_TOO_LARGE",
          std::to_string(grid.size()) + " voxels; edges are numbered with 32 bits");
  require(count_voxels(device, mask) > 0, "EMPTY_MASK", "the mask has no voxel");
  ForestSummary summary;
  if (settled) {
    double const first = -max_over(device, grid, MinusIndex{mask, settled});
    if (first < 1e300) summary.anchor = static_cast<std::uint32_t>(first);
  }
  Buffer<Device, std::uint64_t> best(device, grid), link(device, grid);
  Buffer<Device, std::uint8_t> inner(device, grid);
  Forest const forest{.costs = costs,
                      .phase = phase,
                      .component = out.component,
                      .turns = out.turns,
                      .best = best.field(),
                      .link = link.field(),
                      .inner = inner.field(),
                      .anchor = summary.anchor};
  for_each_voxel(device, grid, Start{forest, mask, settled});
  for (;;) {
    for_each_voxel(device, grid, ChooseEdges{forest});
    for_each_voxel(device, grid, HangRoots{forest});
    double const taken = sum_over(device, grid, CostTaken{forest});
    if (taken == 0) return summary;
    for_each_voxel(device, grid, FollowLinks{forest});
    summary.cost += taken;
    ++summary.rounds;
  }
}

template ForestSummary spanning_forest(ThisDevice const&, Field<float const>,
                                       Field<std::uint8_t const>, EdgeCosts, ForestFields const&,
                                       Field<std::uint8_t const>);

}  // namespace qsm
