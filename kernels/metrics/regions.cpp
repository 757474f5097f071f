#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "metrics/metrics.hpp"

namespace qsm {
namespace {

using Labels = std::span<std::uint8_t const>;
using Mask = std::vector<std::uint8_t>;

constexpr double kNothingToScore = std::numeric_limits<double>::quiet_NaN();

Mask voxels_of(Labels labels, MaskValues mask, std::vector<int> const& wanted) {
  Mask out(labels.size());
  for (std::size_t n = 0; n < out.size(); ++n)
    out[n] = mask[n] && std::ranges::find(wanted, int{labels[n]}) != wanted.end();
  return out;
}

/// One voxel more in all 26 directions, axis by axis.
Mask dilate(Grid grid, Mask mask) {
  for (int axis = 0; axis < 3; ++axis) {
    Mask const before = mask;
    std::size_t const stride = grid.linear({axis == 0, axis == 1, axis == 2});
    for (std::size_t n = 0; n < mask.size(); ++n) {
      Index3 const i = grid.index(n);
      int const c = axis == 0 ? i.x : axis == 1 ? i.y : i.z;
      if ((c > 0 && before[n - stride]) || (c + 1 < grid.extent(axis) && before[n + stride]))
        mask[n] = 1;
    }
  }
  return mask;
}

struct Line {
  double slope = kNothingToScore, intercept = kNothingToScore;
};

/// Least squares y = slope x + intercept.
Line fit(std::vector<double> const& x, std::vector<double> const& y) {
  double const n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    mean_x += x[k] / n;
    mean_y += y[k] / n;
  }
  for (std::size_t k = 0; k < x.size(); ++k) {
    xx += (x[k] - mean_x) * (x[k] - mean_x);
    xy += (x[k] - mean_x) * (y[k] - mean_y);
  }
  if (!(xx > 0)) return {};
  return {xy / xx, mean_y - xy / xx * mean_x};
}

double deep_grey_slope(Values recon, Values truth, Labels labels, LabelScheme const& scheme) {
  std::vector<double> mean_r, mean_t;
  for (int const label : scheme.deep_grey) {
    double count = 0, sum_r = 0, sum_t = 0;
    for (std::size_t n = 0; n < labels.size(); ++n)
      if (labels[n] == label) {
        ++count;
        sum_r += recon[n];
        sum_t += truth[n];
      }
    if (count == 0) continue;
    mean_r.push_back(sum_r / count);
    mean_t.push_back(sum_t / count);
  }
  return fit(mean_t, mean_r).slope;
}

/// Bounds are inclusive.
struct Box {
  std::array<int, 3> low{}, high{};
  bool contains(Index3 i) const {
    return i.x >= low[0] && i.y >= low[1] && i.z >= low[2] && i.x <= high[0] && i.y <= high[1] &&
           i.z <= high[2];
  }
  Box grown(int by, Grid grid) const {
    Box out;
    for (std::size_t a = 0; a < 3; ++a) {
      out.low[a] = std::max(low[a] - by, 0);
      out.high[a] = std::min(high[a] + by, grid.extent(static_cast<int>(a)) - 1);
    }
    return out;
  }
};

Box bounding_box(Grid grid, Labels labels, int label) {
  Box box{{grid.nx, grid.ny, grid.nz}, {-1, -1, -1}};
  for (std::size_t n = 0; n < labels.size(); ++n)
    if (labels[n] == label) {
      Index3 const i = grid.index(n);
      std::array<int, 3> const c = {i.x, i.y, i.z};
      for (std::size_t a = 0; a < 3; ++a) {
        box.low[a] = std::min(box.low[a], c[a]);
        box.high[a] = std::max(box.high[a], c[a]);
      }
    }
  return box;
}

/// Fills calc_moment_dev and calc_streak; the boxes are those of the challenge's evaluation.
void score_calcification(Grid grid, Values recon, Values truth, Labels labels, int label,
                         RegionScores& scores) {
  scores.calc_moment_dev = scores.calc_streak = kNothingToScore;
  Box const box = bounding_box(grid, labels, label);
  if (box.high[0] < 0) return;
  Box const cube = box.grown(3, grid);
  Box const rim = cube.grown(4, grid);
  Box const outer = rim.grown(4, grid);

  double moment_truth = 0, lowest_around = 0;
  std::vector<double> inside, rim_recon, rim_truth;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    if (labels[n] == label) moment_truth += truth[n];
    Index3 const i = grid.index(n);
    if (!outer.contains(i)) continue;
    if (cube.contains(i)) {
      inside.push_back(recon[n]);
      continue;
    }
    lowest_around = std::min(lowest_around, recon[n]);
    if (!rim.contains(i)) continue;
    rim_recon.push_back(recon[n]);
    rim_truth.push_back(truth[n]);
  }
  double const threshold = std::max(-3.5, -0.01 * std::ceil(-lowest_around / 0.01));
  double moment = 0, voxels = 0;
  for (double const v : inside)
    if (v < threshold) {
      moment += v;
      ++voxels;
    }
  scores.calc_moment_dev = std::abs(moment_truth - moment);
  Line const line = fit(rim_truth, rim_recon);
  if (voxels == 0 || std::isnan(line.slope)) return;
  double squares = 0;  // the residuals of a fit with intercept have mean 0
  for (std::size_t k = 0; k < rim_recon.size(); ++k) {
    double const residual = rim_recon[k] - (line.slope * rim_truth[k] + line.intercept);
    squares += residual * residual;
  }
  double const spread = std::sqrt(squares / static_cast<double>(rim_recon.size()));
  scores.calc_streak = spread / std::abs(moment / voxels);
}

}  // namespace

RegionScores region_scores(Grid grid, Values recon, Values truth, MaskValues mask, Labels labels,
                           LabelScheme const& scheme) {
  RegionScores scores;
  auto const detrended = [&](Mask const& region) { return nrmse_detrend(recon, truth, region); };
  scores.nrmse_tissue = detrended(voxels_of(labels, mask, scheme.tissue));
  scores.nrmse_blood = detrended(dilate(grid, voxels_of(labels, mask, {scheme.vein})));
  scores.nrmse_dgm = detrended(voxels_of(labels, mask, scheme.deep_grey));
  scores.dgm_slope = deep_grey_slope(recon, truth, labels, scheme);
  scores.dgm_linearity = std::abs(1 - scores.dgm_slope);
  score_calcification(grid, recon, truth, labels, scheme.calcification, scores);
  return scores;
}

}  // namespace qsm
