/// Distances, components and masks by exhaustive search.
#pragma once

#include <limits>
#include <vector>

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

/// Distance [mm] from each voxel centre to the nearest voxel centre with mask 0. Where
/// `border_is_background`, every voxel centre outside the volume counts as one. Infinite where
/// there is none.
Real distance_to_background(Mask const& mask, Vector voxel_mm, bool border_is_background);

/// 6-connected component of every mask voxel, numbered from 1 in the order of their first voxel; 0
/// outside.
Volume<int> components(Mask const& mask);

/// The component with the most voxels; the first one of several.
Mask largest_component(Mask const& mask);

/// Fills each 6-connected component of the background that has at most `max_voxels` voxels and,
/// where `keep_open`, does not touch the border.
Mask fill_holes(Mask const& mask, std::size_t max_voxels, bool keep_open);

/// distance to the background > radius, and distance to the mask <= radius, equality up to a part
/// in 10^6 counted as equality. Nothing grows in from outside the volume.
Mask erode(Mask const& mask, Vector voxel_mm, double radius);
Mask dilate(Mask const& mask, Vector voxel_mm, double radius);

/// Linear interpolation between order statistics at position q (n - 1), q in [0, 1].
double quantile(std::vector<double> values, double q);

/// Mean over the window of 2 radius[axis] + 1 voxels, cut at the border: only voxels inside count.
Real box_mean(Real const& x, Voxel radius);

/// max(5 noise, high / 5): high is the mean of [q80, q99], noise that below q15, or below q05 where
/// the former exceeds high / 10, or 0 where that does too.
double robust_threshold(std::vector<double> const& weight);

/// 1 where x > threshold, with equality up to rounding counted as not greater.
Mask above(Real const& x, double threshold);

struct MaskSteps {
  Vector voxel_mm = {1, 1, 1};
  Voxel wide = {2, 2, 2}, narrow = {1, 1, 1};  // radii of the moving averages
  std::size_t max_holes = 0;                   // voxels
  double opening_mm = 0;                       // 0: none
};

/// weight > robust threshold; opening: holes of at most a thousandth of the volume filled, eroded,
/// largest component, dilated; mean over `wide` > 0.4; holes filled; mean over `narrow` twice > 0.6;
/// largest component; holes filled again.
Mask magnitude_mask(Real const& weight, MaskSteps const& steps);

}  // namespace qsm::oracle
