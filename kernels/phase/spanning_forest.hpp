/// Whole turns of 2 pi along the minimum spanning forest of a volume's edges.
///
/// Path-based unwrapping that always takes the cheapest edge next is Prim's algorithm, and the
/// turns along an edge follow from the wrapped data alone,
///
///   k_b = k_a + rint((w_a - w_b) / 2 pi),
///
/// so the result is a function of the tree. With distinct keys (cost 2^32 + 3 voxel + axis) the
/// minimum spanning tree of a connected graph is unique, and Boruvka's algorithm finds it in
/// parallel: per round every component chooses its cheapest edge to another, two that chose each
/// other take the smaller root, and roots are looked up along the links made. Minima of distinct
/// numbers and integer sums do not depend on the order of the threads, so the result is the same in
/// every run, and on both processors for the same costs.
///
/// At most log2(voxels) rounds (about 8 for 10^7) of four passes over the volume each.
#pragma once

#include <cstdint>

#include "phase/edge_weights.hpp"

namespace qsm {

/// Label of voxels outside the mask.
inline constexpr std::uint32_t kNoComponent = 0xffffffffu;

struct ForestFields {
  /// Linear index of the component's root, where `turns` is 0; kNoComponent outside the mask.
  Field<std::uint32_t> component;
  Field<std::int32_t> turns;  // phase + 2 pi turns is unwrapped; 0 outside the mask
};

struct ForestSummary {
  int rounds = 0;
  double cost = 0;                      // of all edges taken; exact
  std::uint32_t anchor = kNoComponent;  // root of what was settled, if anything was
};

/// `phase` [rad] must be finite where an edge ends. `settled` (may be empty): these voxels form one
/// component from the start and keep 0 turns, whether edges join them or not; its root is their
/// first voxel. Work space: 16 bytes per voxel. Throws Error{kInvalidArgument}: EMPTY_MASK,
/// VOLUME_TOO_LARGE (beyond 1.4e9 voxels).
template <class Device>
ForestSummary spanning_forest(Device const& device, Field<float const> phase,
                              Field<std::uint8_t const> mask, EdgeCosts costs,
                              ForestFields const& out, Field<std::uint8_t const> settled = {});

}  // namespace qsm
