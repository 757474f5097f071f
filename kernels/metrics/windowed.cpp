// XSIM and HFEN: the scores that look at a neighbourhood. Both are separable, one axis at a time.
#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/metrics.hpp"

namespace qsm {
namespace {

using Volume = std::vector<double>;

constexpr double kNothingToScore = std::numeric_limits<double>::quiet_NaN();

/// out[n] = sum_k taps[k + radius] in[n + k e_axis]; beyond the border `in` is 0, or reflected
/// about the border voxel's outer face (d c b a | a b c d).
enum class Border { kZero, kReflect };

Volume filter(Grid grid, Volume const& in, int axis, std::vector<double> const& taps,
              Border border) {
  int const radius = static_cast<int>(taps.size() / 2);
  int const extent = grid.extent(axis);
  std::ptrdiff_t const stride = axis == 0 ? 1 : axis == 1 ? grid.nx : grid.nx * grid.ny;
  Volume out(in.size());
#pragma omp parallel for collapse(2)
  for (int z = 0; z < grid.nz; ++z)
    for (int y = 0; y < grid.ny; ++y) {
      std::size_t const row = grid.linear({0, y, z});
      for (int k = -radius; k <= radius; ++k) {
        double const tap = taps[static_cast<std::size_t>(k + radius)];
        for (int x = 0; x < grid.nx; ++x) {
          int const here = axis == 0 ? x : axis == 1 ? y : z;
          int at = here + k;
          if (at < 0 || at >= extent) {
            if (border == Border::kZero) continue;
            int const period = 2 * extent;
            at = ((at % period) + period) % period;
            if (at >= extent) at = period - 1 - at;
          }
          std::size_t const n = row + static_cast<std::size_t>(x);
          out[n] +=
              tap *
              in[static_cast<std::size_t>(static_cast<std::ptrdiff_t>(n) + (at - here) * stride)];
        }
      }
    }
  return out;
}

Volume box_sum(Grid grid, Volume volume) {
  std::vector<double> const ones(5, 1.0);
  for (int axis = 0; axis < 3; ++axis) volume = filter(grid, volume, axis, ones, Border::kZero);
  return volume;
}

/// sum_axis d^2/dx_axis^2 of a Gaussian, sampled, the smoothing taps normalised to sum 1.
Volume laplacian_of_gaussian(Grid grid, Volume const& in) {
  constexpr double kSigma = 1.5;
  int const radius = static_cast<int>(5 * kSigma + 0.5);
  std::vector<double> smooth, second;
  double sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    smooth.push_back(std::exp(-0.5 * k * k / (kSigma * kSigma)));
    sum += smooth.back();
  }
  for (int k = -radius; k <= radius; ++k) {
    double& tap = smooth[static_cast<std::size_t>(k + radius)];
    tap /= sum;
    second.push_back(tap * (k * k / (kSigma * kSigma) - 1) / (kSigma * kSigma));
  }
  Volume total(in.size());
  for (int derived = 0; derived < 3; ++derived) {
    Volume part = in;
    for (int axis = 0; axis < 3; ++axis)
      part = filter(grid, part, axis, axis == derived ? second : smooth, Border::kReflect);
    for (std::size_t n = 0; n < total.size(); ++n) total[n] += part[n];
  }
  return total;
}

Volume product(Values a, Values b) {
  Volume out(a.size());
  for (std::size_t n = 0; n < out.size(); ++n) out[n] = a[n] * b[n];
  return out;
}

Volume masked(Values v, MaskValues mask) {
  Volume out(v.size());
  for (std::size_t n = 0; n < out.size(); ++n) out[n] = mask[n] ? v[n] : 0;
  return out;
}

}  // namespace

double xsim(Grid grid, Values recon, Values truth, MaskValues mask) {
  constexpr double kC1 = 1e-4, kC2 = 1e-6;
  Volume const count = box_sum(grid, Volume(grid.size(), 1.0));
  Volume const r = box_sum(grid, {recon.begin(), recon.end()});
  Volume const t = box_sum(grid, {truth.begin(), truth.end()});
  Volume const rr = box_sum(grid, product(recon, recon));
  Volume const tt = box_sum(grid, product(truth, truth));
  Volume const rt = box_sum(grid, product(recon, truth));
  double sum = 0, voxels = 0;
#pragma omp parallel for reduction(+ : sum, voxels)
  for (std::size_t n = 0; n < mask.size(); ++n)
    if (mask[n]) {
      double const mean_r = r[n] / count[n], mean_t = t[n] / count[n];
      double const var_r = rr[n] / count[n] - mean_r * mean_r;
      double const var_t = tt[n] / count[n] - mean_t * mean_t;
      double const covariance = rt[n] / count[n] - mean_r * mean_t;
      sum += (2 * mean_r * mean_t + kC1) * (2 * covariance + kC2) /
             ((mean_r * mean_r + mean_t * mean_t + kC1) * (var_r + var_t + kC2));
      ++voxels;
    }
  return voxels > 0 ? sum / voxels : kNothingToScore;
}

double hfen(Grid grid, Values recon, Values truth, MaskValues mask) {
  Volume const r = laplacian_of_gaussian(grid, masked(recon, mask));
  Volume const t = laplacian_of_gaussian(grid, masked(truth, mask));
  double difference = 0, reference = 0;
#pragma omp parallel for reduction(+ : difference, reference)
  for (std::size_t n = 0; n < mask.size(); ++n)
    if (mask[n]) {
      difference += (r[n] - t[n]) * (r[n] - t[n]);
      reference += t[n] * t[n];
    }
  return reference > 0 ? 100 * std::sqrt(difference / reference) : kNothingToScore;
}

}  // namespace qsm
