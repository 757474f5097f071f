/// What the noise of the measured field does to the map: its standard deviation in every voxel, by
/// Monte Carlo.
///
///   n_s ~ N(0, sigma(r)^2), independent from voxel to voxel         s = 1 .. kSamples
///   chi_s = invert(local + remove_background(n_s))                  the steps of the map itself
///   std(r)^2 = <(chi_s - mean_s chi_s)^2 / (kSamples - 1)>          < >: Gaussian, kSmoothingMm
///
/// Background removal is linear, so that its noise is added behind it; the inversion is not, and is
/// run in full: where total variation holds a region together it averages the noise there, which no
/// linear formula says. Few samples tell a standard deviation badly (9 give 25 %); the variance of
/// neighbours, which is nearly the same, makes up for it.
///
/// It says how far a repeated scan's map would be from this one, no more: not what regularisation
/// shrinks, nor what background removal takes away.
#pragma once

#include <functional>

#include "background/background.hpp"
#include "device/buffer.hpp"

namespace qsm {

struct UncertaintyInputs {
  Vec3d voxel_mm;
  Field<float const> noise_ppm;     // standard deviation of the total field
  Field<float const> local_ppm;     // what the map was made of
  Field<std::uint8_t const> brain;  // where the total field is
  Field<std::uint8_t const> mask;   // where the map is
  Field<float const> reliable;      // 1 where the field is trusted; elsewhere it has no noise
  BackgroundOptions const& background;
};

inline constexpr int kUncertaintySamples = 9;

/// Cost: kUncertaintySamples times background removal and inversion; seven volumes held beside
/// them. The noise is that of one seed: the same scan gives the same bits. `invert(s, local, chi)`:
/// the inversion with everything it chose for the map, referenced; s = 1 .. kUncertaintySamples.
/// `std_ppm`: positive in the mask, zero outside.
template <class Device>
void uncertainty(Device const& device, UncertaintyInputs const& inputs,
                 std::function<void(int, Field<float const>, Field<float>)> const& invert,
                 Field<float> std_ppm, Control const& control);

}  // namespace qsm
