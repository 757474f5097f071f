/// The whole turns that spatial unwrapping leaves open: one per connected component.
#pragma once

#include <cstdint>

#include "device/buffer.hpp"

namespace qsm {

/// Components with enough voxels, numbered 0 .. count - 1 in no particular order.
template <class Device>
struct Components {
  Buffer<Device, std::uint32_t> number;  // per voxel; kNoComponent elsewhere
  Buffer<Device, std::uint64_t> size;    // per component
  int count = 0;
};

/// Takes the labels of a spanning forest (root indices) over. Smaller components are left out.
/// Cost: three passes; 12 bytes per voxel.
template <class Device>
Components<Device> number_components(Device const& device, Field<std::uint32_t const> root,
                                     std::size_t min_voxels);

/// An unwrapped echo: phase + 2 pi turns.
struct TurnedPhase {
  Field<float const> phase;  // [rad], finite in every component
  Field<std::int32_t> turns;
};

/// Adds to each component the median of rint((growth previous - phi) / 2 pi): the component then
/// lies within half a turn of what the previous echo predicts. `previous` (unwrapped, finite) may
/// be empty: the component's median comes to lie in [-pi, pi]. Exact median (the lower of two) by
/// bisection: two reductions, and log2 of the range of the turns passes.
template <class Device>
void shift_to_prediction(Device const& device, Components<Device> const& components,
                         Field<float const> previous, float growth, TurnedPhase const& echo);

/// Adds the o of -2 .. 2 to each component that minimises
///
///   mean of q |wrap(w' - (phi + 2 pi o) TE' / TE)| / mean of q + 0.01 |o|
///
/// over the component: phase that is zero at TE = 0 has one o under which echo TE predicts the
/// other echo w'. q in [0, 1] is the voxel's quality; a voxel where w' is not finite has no say.
/// Integer sums: the same on both processors. Cost: one pass by rows.
template <class Device>
void align_with_echo(Device const& device, Components<Device> const& components,
                     Field<float const> other_wrapped, float te_ratio, Field<float const> quality,
                     TurnedPhase const& echo);

}  // namespace qsm
