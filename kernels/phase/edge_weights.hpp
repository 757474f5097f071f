/// How much a step of the phase between two neighbouring voxels is to be trusted.
///
/// Edges join neighbours (6) that both lie in the mask. The quality q in [0, 1] of an edge becomes
/// a whole number,
///
///   cost = max(1, rint((1 - q) 65535)),   0: there is no edge (q <= 0 or not a number),
///
/// so that a spanning forest can be compared between processors bit by bit: nothing but IEEE sums,
/// products, divisions and square roots goes into it, and the source is compiled without fused
/// multiply-add.
#pragma once

#include <cstdint>

#include "device/buffer.hpp"

namespace qsm {

/// Costs of the edges from each voxel to its neighbours at +x, +y and +z.
struct EdgeCosts {
  Field<std::uint16_t const> along[3];
  Grid grid() const { return along[0].grid; }
};

inline constexpr float kWorstCost = 65535;

/// How far apart in memory the ends of an edge lie.
QSM_HD std::size_t edge_stride(Grid g, int axis) {
  return axis == 0   ? 1
         : axis == 1 ? static_cast<std::size_t>(g.nx)
                     : static_cast<std::size_t>(g.nx) * static_cast<std::size_t>(g.ny);
}
QSM_HD int coordinate(Index3 i, int axis) {
  return axis == 0 ? i.x : axis == 1 ? i.y : i.z;
}

/// Owner of EdgeCosts: 6 bytes per voxel.
template <class Device>
struct EdgeCostBuffers {
  EdgeCostBuffers(Device const& device, Grid grid)
      : along{{device, grid}, {device, grid}, {device, grid}} {}
  EdgeCosts view() const { return {{along[0].view(), along[1].view(), along[2].view()}}; }
  Buffer<Device, std::uint16_t> along[3];
};

/// What ROMEO's weights are made of. `second` and `magnitude` may be empty: without them their
/// factors are left out.
struct RomeoInputs {
  Field<float const> phase;   // [rad], wrapped or not: only wrapped differences count
  Field<float const> second;  // of another echo
  Field<float const> magnitude;
  float phase_scale = 1;   // both phases are multiplied by a factor first: 1/2 makes a step of a
  float second_scale = 1;  // whole turn, which a wrapped difference cannot see, the worst step
  float te_ratio = 1;      // TE / TE of the second
  bool magnitude_level = false;       // the factors A and B below
  Field<std::uint8_t const> settled;  // edges between two settled voxels are left out
};

/// ROMEO (Dymerska et al., MRM 2021;85:2294): q = product of (0.1 + 0.9 t) over the terms t,
///
///   P  1 - |d| / pi,                         d = wrap(w_i - w_j)            phase coherence
///   G  max(0, 1 - |d - d' TE / TE'|)                               phase gradient coherence
///   L  l(h, i, j) l(i, j, k),   l(a, b, c) = max(0, 1 - |wrap(w_a - 2 w_b + w_c)| / 2)
///      with h and k the next voxels on the edge's line; 0.9 where one lies outside the field of
///      view, and a factor 0.5 for an l that is not a number                 phase linearity
///   C  (min(m_i, m_j) / max(m_i, m_j))^2, 0 without signal           magnitude coherence
///   A  1/2 + 1/2 min(1, min(m_i, m_j) / (m_95 / 2))
///   B  1/2 + 1/2 min(1, (m_95 / 2) / max(m_i, m_j))    m_95: 95th percentile in the mask
///
/// Cost: one pass; about 60 flops per voxel and term. Throws Error{kInvalidArgument, "EMPTY_MASK"}
/// with magnitude_level and no signal in the mask.
template <class Device>
void romeo_edge_costs(Device const& device, RomeoInputs const& inputs,
                      Field<std::uint8_t const> mask, EdgeCostBuffers<Device>& costs);

/// Best path (Abdul-Rahman et al., Appl Opt 2007;46:6623): a voxel's reliability is R = 1 / D,
///
///   D^2 = sum over the 13 opposite pairs of its 26 neighbours of
///         (wrap(w_- - w) - wrap(w - w_+))^2
///
/// and an edge's R_i + R_j; the cost is 1 / (R_i + R_j) on a logarithmic scale, 2048 steps to the
/// octave, from 2^-27. A pair with a voxel outside the mask, or not a number, counts as the worst
/// there is, (2 pi)^2: the rim of the mask is joined last.
template <class Device>
void best_path_edge_costs(Device const& device, Field<float const> phase,
                          Field<std::uint8_t const> mask, EdgeCostBuffers<Device>& costs);

/// quality = mean of 1 - cost / 65535 over a voxel's six edges, of which a missing one counts 0.
template <class Device>
void voxel_quality(Device const& device, EdgeCosts costs, Field<float> quality);

}  // namespace qsm
