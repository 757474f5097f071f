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

/// Linear interpolation between order statistics at position q (n - 1), q in [0, 1].
double quantile(std::vector<double> values, double q);

/// Mean over the window of 2 radius[axis] + 1 voxels, cut at the border: only voxels inside count.
Real box_mean(Real const& x, Voxel radius);

/// max(5 noise, high / 5): high is the mean of [q80, q99], noise that below q15, or below q05 where
/// the former exceeds high / 10, or 0 where that does too.
double robust_threshold(std::vector<double> const& weight);

/// 1 where x > threshold, with equality up to rounding counted as not greater.
Mask above(Real const& x, double threshold);

/// weight > robust threshold; mean over `wide` > 0.4; holes of at most max_holes voxels filled;
/// mean over `narrow` twice > 0.6; largest component; holes again.
Mask magnitude_mask(Real const& weight, Voxel wide, Voxel narrow, std::size_t max_holes);

}  // namespace qsm::oracle
