#include "support/oracle_adaptive.hpp"

#include <cmath>

namespace qsm::test {

using Value = std::complex<double>;

std::vector<std::vector<Value>> oracle_adaptive_filter(
    Grid grid, std::vector<std::vector<Value>> const& images, double const (&sigma)[3]) {
  std::size_t const coils = images.size();
  int reach[3];
  for (int axis = 0; axis < 3; ++axis) reach[axis] = static_cast<int>(std::ceil(3 * sigma[axis]));
  std::vector<std::vector<Value>> filter(coils, std::vector<Value>(grid.size()));

  for (std::size_t n = 0; n < grid.size(); ++n) {
    Index3 const at = grid.index(n);
    std::vector<std::vector<Value>> covariance(coils, std::vector<Value>(coils));
    for (int dz = -reach[2]; dz <= reach[2]; ++dz)
      for (int dy = -reach[1]; dy <= reach[1]; ++dy)
        for (int dx = -reach[0]; dx <= reach[0]; ++dx) {
          Index3 const j{at.x + dx, at.y + dy, at.z + dz};
          if (!grid.contains(j)) continue;
          double const weight =
              std::exp(-0.5 * (std::pow(dx / sigma[0], 2) + std::pow(dy / sigma[1], 2) +
                               std::pow(dz / sigma[2], 2)));
          std::size_t const m = grid.linear(j);
          for (std::size_t a = 0; a < coils; ++a)
            for (std::size_t b = 0; b < coils; ++b)
              covariance[a][b] += weight * images[a][m] * std::conj(images[b][m]);
        }
    std::vector<Value> v(coils);
    for (std::size_t c = 0; c < coils; ++c)
      v[c] = std::polar(1.0, 1.7 * static_cast<double>(c * c));
    for (int iteration = 0; iteration < 300; ++iteration) {
      std::vector<Value> next(coils);
      double length = 0;
      for (std::size_t a = 0; a < coils; ++a) {
        for (std::size_t b = 0; b < coils; ++b) next[a] += covariance[a][b] * v[b];
        length += std::norm(next[a]);
      }
      for (std::size_t c = 0; c < coils; ++c) v[c] = next[c] / std::sqrt(length);
    }
    for (std::size_t c = 0; c < coils; ++c) filter[c][n] = v[c];
  }
  return filter;
}

}  // namespace qsm::test
