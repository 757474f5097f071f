#include "simulate/coil_array.hpp"

#include <cmath>
#include <numbers>

namespace qsm {

std::vector<Coil> coil_helmet(int count, double scale) {
  Vec3d const middle{0, 0, 12 * scale};
  Vec3d const reach{108 * scale, 122 * scale, 105 * scale};
  double const radius = 45 * scale;
  double const golden_angle = std::numbers::pi * (3 - std::sqrt(5.0));
  std::vector<Coil> coils;
  for (int c = 0; c < count; ++c) {
    // A Fibonacci lattice on the belt |height| < 0.55: higher up a loop faces along B0, where the
    // transverse field vanishes.
    double const height = 0.55 * ((2.0 * c + 1) / count - 1);
    double const ring = std::sqrt(1 - height * height);
    double const angle = golden_angle * c;
    Vec3d const out{reach.x * ring * std::cos(angle), reach.y * ring * std::sin(angle),
                    reach.z * height};
    Vec3d const normal = normalized(out);
    coils.push_back({{static_cast<float>(middle.x + out.x), static_cast<float>(middle.y + out.y),
                      static_cast<float>(middle.z + out.z)},
                     {static_cast<float>(-normal.x), static_cast<float>(-normal.y),
                      static_cast<float>(-normal.z)},
                     static_cast<float>(radius * radius)});
  }
  double power = 0;
  for (Coil const& coil : coils) power += static_cast<double>(norm(coil.receive({0, 0, 0})));
  auto const unit = static_cast<float>(1 / std::sqrt(power));
  for (Coil& coil : coils)
    coil.moment = {unit * coil.moment.x, unit * coil.moment.y, unit * coil.moment.z};
  return coils;
}

}  // namespace qsm
