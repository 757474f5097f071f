/// Host volumes from a formula, and the sums tests ask of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "device/grid.hpp"

namespace qsm::test {

template <class T = float, class F>
std::vector<T> volume(Grid grid, F value) {
  std::vector<T> v(grid.size());
  for (std::size_t n = 0; n < v.size(); ++n) v[n] = static_cast<T>(value(grid.index(n)));
  return v;
}

inline std::vector<float> noise(Grid grid, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  return volume(grid, [&](Index3) { return normal(random); });
}

inline double dot(std::vector<float> const& a, std::vector<float> const& b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n)
    sum += static_cast<double>(a[n]) * static_cast<double>(b[n]);
  return sum;
}

inline double norm(std::vector<float> const& a) {
  return std::sqrt(dot(a, a));
}

/// |a - b| / |b|
inline double relative_difference(std::vector<float> a, std::vector<float> const& b) {
  for (std::size_t n = 0; n < a.size(); ++n) a[n] -= b[n];
  return norm(a) / norm(b);
}

/// Inside the ellipsoid with half axes `half` [voxels] around `centre`.
inline bool in_ellipsoid(Index3 i, double cx, double cy, double cz, double hx, double hy,
                         double hz) {
  double const x = (i.x - cx) / hx, y = (i.y - cy) / hy, z = (i.z - cz) / hz;
  return x * x + y * y + z * z <= 1;
}

}  // namespace qsm::test
