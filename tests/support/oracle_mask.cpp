#include "support/oracle_mask.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace qsm::oracle {
namespace {

std::vector<Voxel> face_neighbours(Voxel v) {
  return {{v.i - 1, v.j, v.k}, {v.i + 1, v.j, v.k}, {v.i, v.j - 1, v.k},
          {v.i, v.j + 1, v.k}, {v.i, v.j, v.k - 1}, {v.i, v.j, v.k + 1}};
}

void flood(Mask const& mask, Voxel seed, int label, Volume<int>& labels) {
  std::vector<Voxel> open = {seed};
  labels.at(seed) = label;
  while (!open.empty()) {
    Voxel const v = open.back();
    open.pop_back();
    for (Voxel const n : face_neighbours(v)) {
      if (!mask.contains(n) || !mask.at(n) || labels.at(n)) continue;
      labels.at(n) = label;
      open.push_back(n);
    }
  }
}

}  // namespace

Real distance_to_background(Mask const& mask, Vector h, bool border_is_background) {
  // The nearest outside voxel lies straight through a face: a shell one voxel thick is enough.
  int const shell = border_is_background ? 1 : 0;
  Size const wide = {mask.size.nx + 2 * shell, mask.size.ny + 2 * shell, mask.size.nz + 2 * shell};
  std::vector<Voxel> background;
  every_voxel(wide, [&](Voxel w) {
    Voxel const v = {w.i - shell, w.j - shell, w.k - shell};
    if (!mask.contains(v) || !mask.at(v)) background.push_back(v);
  });
  Real distance(mask.size, std::numeric_limits<double>::infinity());
  every_voxel(mask.size, [&](Voxel v) {
    double nearest = std::numeric_limits<double>::infinity();
    for (Voxel const b : background) {
      double const x = (b.i - v.i) * h[0], y = (b.j - v.j) * h[1], z = (b.k - v.k) * h[2];
      nearest = std::min(nearest, x * x + y * y + z * z);
    }
    distance.at(v) = std::sqrt(nearest);
  });
  return distance;
}

Volume<int> components(Mask const& mask) {
  Volume<int> labels(mask.size);
  int count = 0;
  every_voxel(mask.size, [&](Voxel v) {
    if (mask.at(v) && !labels.at(v)) flood(mask, v, ++count, labels);
  });
  return labels;
}

Mask largest_component(Mask const& mask) {
  Volume<int> const labels = components(mask);
  std::map<int, std::size_t> size;
  for (int const label : labels.data)
    if (label) ++size[label];
  int largest = -1;
  for (auto const& [label, voxels] : size)
    if (largest < 0 || voxels > size[largest]) largest = label;
  Mask kept(mask.size);
  for (std::size_t n = 0; n < kept.data.size(); ++n) kept.data[n] = labels.data[n] == largest;
  return kept;
}

Mask fill_holes(Mask const& mask, std::size_t max_voxels, bool keep_open) {
  Mask background(mask.size);
  for (std::size_t n = 0; n < mask.data.size(); ++n) background.data[n] = !mask.data[n];
  Volume<int> const labels = components(background);
  std::map<int, std::size_t> size;
  std::map<int, bool> open;
  every_voxel(mask.size, [&](Voxel v) {
    int const label = labels.at(v);
    if (!label) return;
    ++size[label];
    for (Voxel const n : face_neighbours(v))
      if (!mask.contains(n)) open[label] = true;
  });
  Mask filled = mask;
  for (std::size_t n = 0; n < filled.data.size(); ++n) {
    int const label = labels.data[n];
    if (label && size[label] <= max_voxels && !(keep_open && open[label])) filled.data[n] = 1;
  }
  return filled;
}

Mask erode(Mask const& mask, Vector voxel_mm, double radius) {
  Real const distance = distance_to_background(mask, voxel_mm, true);
  return above(distance, radius * (1 + 1e-6));
}

Mask dilate(Mask const& mask, Vector voxel_mm, double radius) {
  Mask complement(mask.size);
  for (std::size_t n = 0; n < mask.data.size(); ++n) complement.data[n] = !mask.data[n];
  Mask const far = above(distance_to_background(complement, voxel_mm, false), radius * (1 + 1e-6));
  for (std::size_t n = 0; n < mask.data.size(); ++n) complement.data[n] = !far.data[n];
  return complement;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  double const position = q * static_cast<double>(values.size() - 1);
  std::size_t const below = static_cast<std::size_t>(position);
  std::size_t const above = std::min(below + 1, values.size() - 1);
  double const part = position - static_cast<double>(below);
  return values[below] + part * (values[above] - values[below]);
}

Real box_mean(Real const& x, Voxel radius) {
  Real mean(x.size);
  every_voxel(x.size, [&](Voxel v) {
    double sum = 0, count = 0;
    for (int k = -radius.k; k <= radius.k; ++k)
      for (int j = -radius.j; j <= radius.j; ++j)
        for (int i = -radius.i; i <= radius.i; ++i) {
          Voxel const n = {v.i + i, v.j + j, v.k + k};
          if (!x.contains(n)) continue;
          sum += x.at(n);
          count += 1;
        }
    mean.at(v) = sum / count;
  });
  return mean;
}

double robust_threshold(std::vector<double> const& weight) {
  double const q05 = quantile(weight, 0.05), q15 = quantile(weight, 0.15);
  double const q80 = quantile(weight, 0.80), q99 = quantile(weight, 0.99);
  auto const mean_between = [&](double low, double high) {
    double sum = 0, count = 0;
    for (double const w : weight) {
      if (w < low || w > high) continue;
      sum += w;
      count += 1;
    }
    return count > 0 ? sum / count : 0;
  };
  double const lowest = -std::numeric_limits<double>::infinity();
  double const high = mean_between(q80, q99);
  double noise = mean_between(lowest, q15);
  if (noise > high / 10) noise = mean_between(lowest, q05);
  if (noise > high / 10) noise = 0;
  return std::max(5 * noise, high / 5);
}

Mask above(Real const& x, double threshold) {
  Mask m(x.size);
  for (std::size_t n = 0; n < m.data.size(); ++n) m.data[n] = x.data[n] > threshold + 1e-12;
  return m;
}

Mask magnitude_mask(Real const& weight, MaskSteps const& steps) {
  auto const number = [](Mask const& m) {
    Real x(m.size);
    for (std::size_t n = 0; n < x.data.size(); ++n) x.data[n] = m.data[n];
    return x;
  };
  Mask mask = above(weight, robust_threshold(weight.data));
  if (steps.opening_mm > 0) {
    mask = fill_holes(mask, std::min(steps.max_holes, mask.data.size() / 1000), true);
    mask = largest_component(erode(mask, steps.voxel_mm, steps.opening_mm));
    mask = dilate(mask, steps.voxel_mm, steps.opening_mm);
  }
  mask = above(box_mean(number(mask), steps.wide), 0.4);
  mask = fill_holes(mask, steps.max_holes, true);
  mask = above(box_mean(box_mean(number(mask), steps.narrow), steps.narrow), 0.6);
  return fill_holes(largest_component(mask), steps.max_holes, true);
}

}  // namespace qsm::oracle
