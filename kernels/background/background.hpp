/// Background field removal by the method chosen.
///
///   kVsharp     balls of varying radius, deconvolved with the largest (vsharp.hpp)
///   kVsharpLs   the same filter, inverted by least squares (vsharp_ls.hpp)
///   kSharp      one radius (vsharp.hpp): Schweser et al. 2011 NeuroImage 54:2789
#pragma once

#include <cstdint>
#include <vector>

#include "background/vsharp.hpp"
#include "background/vsharp_ls.hpp"

namespace qsm {

enum class BackgroundMethod { kVsharp, kVsharpLs, kSharp };

struct BackgroundOptions {
  BackgroundMethod method = BackgroundMethod::kVsharpLs;
  /// Empty: vsharp_radii, vsharp_ls_radii or kSharpRadiusMm. SHARP takes one.
  std::vector<double> radii_mm;
  bool moment_match = VsharpOptions{}.moment_match;
  double threshold = 0;                           // vsharp, sharp; 0: threshold_of
  double lambda = VsharpLsOptions{}.lambda;       // vsharp-ls
  int iterations = VsharpLsOptions{}.iterations;  // vsharp-ls
};

inline constexpr double kSharpRadiusMm = 8;
/// The best at that radius on two simulated heads, and close to it from 6 to 12 mm
/// (docs/algorithms.md). V-SHARP's would cost a third more error: 1 - S of small balls is small.
inline constexpr double kSharpThreshold = 0.07;

/// What a direct form runs with: options.threshold, or where that is 0 the method's own.
inline double threshold_of(BackgroundOptions const& options) {
  if (options.threshold > 0) return options.threshold;
  return options.method == BackgroundMethod::kSharp ? kSharpThreshold : VsharpOptions{}.threshold;
}

/// `weight` is read by vsharp-ls only and may be empty. `local_mask`: where `local_ppm` is defined,
/// all of the mask for vsharp-ls, without a rim of the last radius otherwise. Throws as the method,
/// and Error{kInvalidArgument, "INVALID_RADII"} for more than one radius of SHARP.
template <class Device>
void remove_background(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
                       Field<std::uint8_t const> mask, Field<float const> weight,
                       BackgroundOptions const& options, Field<float> local_ppm,
                       Field<std::uint8_t> local_mask, Control const& control);

}  // namespace qsm
