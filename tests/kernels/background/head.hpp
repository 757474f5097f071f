/// Masks and harmonic fields that the tests of the background filters share.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "device/buffer.hpp"
#include "device/error.hpp"
#include "math/dipole.hpp"
#include "math/vec.hpp"
#include "support/volume.hpp"

namespace qsm::test {

struct Head {
  Grid g;
  Vec3d h;
  std::vector<std::uint8_t> mask;
};

/// 40 mm across and not centred, so that the volume's border cuts nothing.
inline Head ball(Grid g, Vec3d h) {
  return {g, h, volume<std::uint8_t>(g, [=](Index3 i) {
            return in_ellipsoid(i, g.nx * 0.45, g.ny * 0.5, g.nz * 0.5, 20 / h.x, 20 / h.y,
                                20 / h.z);
          })};
}

/// Harmonic polynomials of degree 0 to 3 [mm].
using Polynomial = double (*)(double, double, double);
inline constexpr Polynomial kHarmonics[] = {
    [](double, double, double) { return 1.0; },
    [](double x, double y, double z) { return x - 2 * y + 3 * z; },
    [](double x, double y, double z) { return 2 * z * z - x * x - y * y; },
    [](double x, double y, double z) { return x * y + y * z - 3 * x * z + x * x - y * y; },
    [](double x, double y, double z) { return z * (2 * z * z - 3 * x * x - 3 * y * y); },
    [](double x, double y, double z) { return x * y * z + x * x * x - 3 * x * y * y; }};

inline std::vector<float> sampled(Head const& head, Polynomial field) {
  return volume(head.g, [&](Index3 i) {
    return field(head.h.x * (i.x - head.g.nx / 2), head.h.y * (i.y - head.g.ny / 2),
                 head.h.z * (i.z - head.g.nz / 2));
  });
}

/// Sources inside an ellipsoidal head, and one outside whose field is harmonic in it.
struct Sources {
  Head head;
  std::vector<float> local, total;
};
inline Sources inner_and_outer_sources(ThisDevice const& device) {
  Grid const g{96, 96, 96};
  auto const field_of = [&](auto chi_of) {
    Buffer<ThisDevice, float> const chi(device, g, volume(g, chi_of));
    Buffer<ThisDevice, float> field(device, g);
    apply_dipole(device, {1, 1, 1}, {0, 0, 1}, chi.view(), field.field());
    return field.to_host();
  };
  Sources s{
      {g,
       {1, 1, 1},
       volume<std::uint8_t>(g, [](Index3 i) { return in_ellipsoid(i, 47, 48, 46, 36, 40, 34); })},
      field_of([](Index3 i) {
        return 0.2 * in_ellipsoid(i, 40, 50, 45, 5, 7, 6) -
               0.1 * in_ellipsoid(i, 60, 40, 50, 4, 4, 8);
      }),
      field_of([](Index3 i) { return 9.0 * in_ellipsoid(i, 48, 4, 30, 6, 4, 6); })};
  for (std::size_t n = 0; n < g.size(); ++n) s.total[n] = s.local[n] + s.total[n];
  return s;
}

inline double largest(std::vector<float> const& v) {
  double size = 0;
  for (float const x : v) size = std::max(size, std::abs(static_cast<double>(x)));
  return size;
}

inline std::string reason_of(std::function<void()> const& call) {
  try {
    call();
  } catch (Error const& e) {
    return e.reason();
  }
  return "no error";
}

}  // namespace qsm::test
