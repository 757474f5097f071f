#include "simulate/forward_field.hpp"

#include <cmath>

#include "support/this_device.hpp"

namespace qsm {
namespace {

using ForwardFieldTest = test::DeviceTest;

constexpr double kRadius = 10;  // mm, 1 ppm, off the middle so that no symmetry helps

Vec3d from_centre(Index3 i, Grid g, Vec3d voxel_mm) {
  return {(i.x - g.nx / 2 + 1) * voxel_mm.x, (i.y - g.ny / 2 - 2) * voxel_mm.y,
          (i.z - g.nz / 2 + 0.5) * voxel_mm.z};
}

/// Volume fractions of a sphere, 8^3 points per voxel.
std::vector<float> sphere(Grid g, Vec3d voxel_mm) {
  std::vector<float> chi(g.size());
  for (std::size_t n = 0; n < chi.size(); ++n) {
    Vec3d const c = from_centre(g.index(n), g, voxel_mm);
    int inside = 0;
    for (int s = 0; s < 512; ++s) {
      auto const offset = [&](int k) { return (k % 8 + 0.5) / 8 - 0.5; };
      Vec3d const p{c.x + offset(s) * voxel_mm.x, c.y + offset(s / 8) * voxel_mm.y,
                    c.z + offset(s / 64) * voxel_mm.z};
      inside += dot(p, p) < kRadius * kRadius;
    }
    chi[n] = static_cast<float>(inside) / 512;
  }
  return chi;
}

struct Errors {
  double inside_mean = 0;    // ppm; the analytic field there is 0
  double outside_nrmse = 0;  // 2 to 10 voxels off the surface
};

Errors sphere_errors(ThisDevice const& device, Grid g, Vec3d voxel_mm, Vec3d b0, double padding) {
  b0 = normalized(b0);
  Buffer<ThisDevice, float> chi(device, g, sphere(g, voxel_mm));
  ForwardField<ThisDevice>(device, g, voxel_mm, b0, padding).apply(chi.view(), chi.field());
  auto const field = chi.to_host();
  double inside = 0, count = 0, error = 0, power = 0;
  for (std::size_t n = 0; n < field.size(); ++n) {
    Vec3d const r = from_centre(g.index(n), g, voxel_mm);
    double const distance = std::sqrt(dot(r, r));
    double const value = static_cast<double>(field[n]);
    if (distance < kRadius - 1) {
      inside += value;
      ++count;
    } else if (distance > kRadius + 2 && distance < kRadius + 10) {
      double const cosine = dot(r, b0) / distance;
      double const exact = std::pow(kRadius / distance, 3) / 3 * (3 * cosine * cosine - 1);
      error += (value - exact) * (value - exact);
      power += exact * exact;
    }
  }
  return {inside / count, std::sqrt(error / power)};
}

TEST_F(ForwardFieldTest, SphereHasItsAnalyticFieldInFreeSpace) {
  for (Vec3d const b0 : {Vec3d{0, 0, 1}, Vec3d{0.2, 0.3, 0.933}}) {
    for (double const padding : {1.0, 2.0}) {
      auto const e = sphere_errors(device(), {64, 64, 64}, {1, 1, 1}, b0, padding);
      EXPECT_NEAR(e.inside_mean, 0, 2e-4);
      EXPECT_LT(e.outside_nrmse, 0.0018) << "padding " << padding << ", b0.x " << b0.x;
    }
  }
}

TEST_F(ForwardFieldTest, OddSizesServeAsWell) {
  auto const e = sphere_errors(device(), {63, 57, 55}, {1, 1, 1}, {0.2, 0.3, 0.933}, 1.75);
  EXPECT_NEAR(e.inside_mean, 0, 2e-4);
  EXPECT_LT(e.outside_nrmse, 0.0018);
}

TEST_F(ForwardFieldTest, LongVoxelsHaveNoFieldInsideASphere) {
  for (Vec3d const b0 : {Vec3d{0, 0, 1}, Vec3d{0.2, 0.3, 0.933}}) {
    auto const e = sphere_errors(device(), {64, 64, 48}, {1, 1, 1.4}, b0, 1.75);
    EXPECT_NEAR(e.inside_mean, 0, 2e-3);
    EXPECT_LT(e.outside_nrmse, 0.005);
  }
}

TEST_F(ForwardFieldTest, RefusesPaddingBelowOne) {
  EXPECT_THROW(ForwardField<ThisDevice>(device(), {8, 8, 8}, {1, 1, 1}, {0, 0, 1}, 0.9), Error);
}

}  // namespace
}  // namespace qsm
