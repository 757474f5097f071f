/// Coil images of a head with smooth sensitivities, receive offsets and a known field.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "device/grid.hpp"
#include "math/complex.hpp"
#include "math/vec.hpp"

namespace qsm::test {

using Value = std::complex<double>;
using Mask = std::vector<std::uint8_t>;
inline constexpr double kPi = std::numbers::pi;

inline double wrapped(double a) {
  return a - 2 * kPi * std::rint(a / (2 * kPi));
}

/// A head of 150 x 170 x 120 mm in coils with smooth sensitivities and random quadratic offsets.
struct CoilScan {
  Grid grid{55, 62, 33};
  Vec3d voxel_mm{3, 3, 4};
  std::vector<double> te_s{0.004, 0.009, 0.014};
  int coils = 8;
  double snr = 50;         // of the coils together at the centre, in every echo
  double bipolar_rad = 0;  // ramp over the field of view along x on every second echo
  Mask mask = Mask(grid.size());
  std::vector<double> field_hz = std::vector<double>(grid.size());
  std::vector<std::vector<double>> offset;  // per coil

  explicit CoilScan(int coil_count) : coils(coil_count), offset(static_cast<std::size_t>(coils)) {
    std::mt19937 random(12);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (std::size_t n = 0; n < grid.size(); ++n) {
      auto const [x, y, z] = position(grid.index(n));
      mask[n] = std::hypot(x / 75, y / 85, z / 60) < 1;
      field_hz[n] = 150 * std::sin(x / 40) * std::cos(y / 50 + z / 60);
    }
    for (auto& map : offset) {
      double a[7];
      for (double& c : a) c = uniform(random);
      for (std::size_t n = 0; n < grid.size(); ++n) {
        auto const [x, y, z] = position(grid.index(n));
        map.push_back(kPi * a[0] + (a[1] * x + a[2] * y + a[3] * z) / 75 +
                      (a[4] * x * x + a[5] * y * y + a[6] * z * z) / 10000);
      }
    }
  }

  Vec3d position(Index3 i) const {  // [mm] from the centre
    return {voxel_mm.x * (i.x - 0.5 * grid.nx), voxel_mm.y * (i.y - 0.5 * grid.ny),
            voxel_mm.z * (i.z - 0.5 * grid.nz)};
  }

  double bipolar_phase(Index3 i) const {
    return bipolar_rad * position(i).x / (voxel_mm.x * grid.nx);
  }

  std::vector<Complex> image(int coil, std::size_t echo) const {
    std::mt19937 random(static_cast<unsigned>(100 * coil) + static_cast<unsigned>(echo));
    std::normal_distribution<double> normal(0, std::sqrt(static_cast<double>(coils)) / snr);
    double const angle = 2 * kPi * coil / coils;
    std::vector<Complex> s(grid.size());
    for (std::size_t n = 0; n < s.size(); ++n) {
      auto const [x, y, z] = position(grid.index(n));
      double const far = std::hypot(x - 110 * std::cos(angle), y - 110 * std::sin(angle), z);
      double const signal = mask[n] * 110 * 110 / (far * far);
      double const phase = offset[static_cast<std::size_t>(coil)][n] +
                           2 * kPi * field_hz[n] * te_s[echo] +
                           (echo % 2 == 1 ? bipolar_phase(grid.index(n)) : 0);
      Value const v = std::polar(signal, phase) + Value(normal(random), normal(random));
      s[n] = {static_cast<float>(v.real()), static_cast<float>(v.imag())};
    }
    return s;
  }
};

/// Phase beyond 2 pi f TE, its mean removed; rms over the mask.
inline double phase_error(CoilScan const& scan, std::vector<float> const& phase, double te_s) {
  Value sum = 0;
  auto const error = [&](std::size_t n) {
    return static_cast<double>(phase[n]) - 2 * kPi * scan.field_hz[n] * te_s;
  };
  for (std::size_t n = 0; n < phase.size(); ++n)
    if (scan.mask[n]) sum += std::polar(1.0, error(n));
  double squares = 0, count = 0;
  for (std::size_t n = 0; n < phase.size(); ++n) {
    if (!scan.mask[n]) continue;
    squares += std::pow(wrapped(error(n) - std::arg(sum)), 2);
    ++count;
  }
  return std::sqrt(squares / count);
}

/// 2 x 2 loops in the x-y planes of the mask around which the phase does not return.
inline int residues(CoilScan const& scan, std::vector<float> const& phase) {
  Grid const g = scan.grid;
  int count = 0;
  for (int z = 0; z < g.nz; ++z)
    for (int y = 0; y + 1 < g.ny; ++y)
      for (int x = 0; x + 1 < g.nx; ++x) {
        std::size_t const loop[5] = {g.linear({x, y, z}), g.linear({x + 1, y, z}),
                                     g.linear({x + 1, y + 1, z}), g.linear({x, y + 1, z}),
                                     g.linear({x, y, z})};
        double sum = 0;
        bool inside = true;
        for (int s = 0; s < 4; ++s) {
          inside = inside && scan.mask[loop[s]];
          sum += wrapped(static_cast<double>(phase[loop[s + 1]]) -
                         static_cast<double>(phase[loop[s]]));
        }
        count += inside && std::abs(sum) > 1;
      }
  return count;
}

}  // namespace qsm::test
