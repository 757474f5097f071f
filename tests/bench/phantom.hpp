/// A ball of tissue with a smooth field, a magnitude and wrapped echoes, of any size: enough
/// structure to keep every stage busy, made in a moment.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "device/grid.hpp"
#include "math/complex.hpp"
#include "math/vec.hpp"

namespace qsm::bench {

struct Phantom {
  explicit Phantom(Grid g) : grid(g), mask(g.size()), magnitude(g.size()), field_ppm(g.size()) {
    for (std::size_t n = 0; n < g.size(); ++n) {
      Index3 const i = g.index(n);
      double const x = 2.0 * i.x / g.nx - 1, y = 2.0 * i.y / g.ny - 1, z = 2.0 * i.z / g.nz - 1;
      mask[n] = x * x + y * y + z * z < 0.75;
      magnitude[n] = mask[n] ? static_cast<float>(1 - 0.3 * x * x) : 0.01f;
      field_ppm[n] = static_cast<float>(0.05 * std::sin(9 * x) * std::cos(7 * y) + 0.2 * z);
    }
  }

  /// Complex signal at an echo time, 3 T.
  std::vector<Complex> echo(double te_s) const {
    std::vector<Complex> s(grid.size());
    double const radians = 2 * std::numbers::pi * kGammaBar * 3 * te_s;
    for (std::size_t n = 0; n < s.size(); ++n) {
      double const phase = radians * static_cast<double>(field_ppm[n]);
      s[n] = {magnitude[n] * static_cast<float>(std::cos(phase)),
              magnitude[n] * static_cast<float>(std::sin(phase))};
    }
    return s;
  }

  /// Magnitude at an echo time, decaying at 20 to 60 per second.
  std::vector<float> decayed(double te_s) const {
    std::vector<float> m(grid.size());
    for (std::size_t n = 0; n < m.size(); ++n)
      m[n] =
          magnitude[n] * static_cast<float>(std::exp(-te_s * (20 + static_cast<double>(n % 41))));
    return m;
  }

  /// Wrapped phase at so many radians per ppm, with Gaussian noise everywhere.
  std::vector<float> noisy_phase(double radians_per_ppm, double noise_rad) const {
    std::mt19937 random(1);
    std::normal_distribution<double> noise(0, noise_rad);
    std::vector<float> w(grid.size());
    for (std::size_t n = 0; n < w.size(); ++n)
      w[n] = wrap(
          static_cast<float>(radians_per_ppm * static_cast<double>(field_ppm[n]) + noise(random)));
    return w;
  }

  /// Size of the smallest box that holds the mask, which is centred.
  Grid mask_box() const {
    int first[3] = {grid.nx, grid.ny, grid.nz}, last[3] = {0, 0, 0};
    for (std::size_t n = 0; n < mask.size(); ++n) {
      if (!mask[n]) continue;
      Index3 const i = grid.index(n);
      int const at[3] = {i.x, i.y, i.z};
      for (int axis = 0; axis < 3; ++axis) {
        first[axis] = std::min(first[axis], at[axis]);
        last[axis] = std::max(last[axis], at[axis]);
      }
    }
    return {last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1};
  }

  Grid grid;
  std::vector<std::uint8_t> mask;
  std::vector<float> magnitude;
  std::vector<float> field_ppm;
};

}  // namespace qsm::bench
