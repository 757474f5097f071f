// The moving surface and its voxels against plain loops.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/oracle/compare.hpp"
#include "mask/rasterize.hpp"
#include "mask/surface_evolution.hpp"
#include "support/oracle_surface.hpp"

namespace qsm {
namespace {

Mesh lumpy(int subdivisions, Vec3d centre, double radius) {
  Mesh m = icosphere(subdivisions);
  for (Vec3d& v : m.vertices)
    v = centre + (radius * (1 + 0.2 * std::sin(3 * v.x + 1) * std::cos(4 * v.y - v.z))) * v;
  return m;
}

oracle::Surface copy(Mesh const& m) {
  oracle::Surface s;
  for (Vec3d const v : m.vertices) s.vertices.push_back({v.x, v.y, v.z});
  s.triangles = m.triangles;
  return s;
}

/// A blob, cut by the border on one side, under noise.
oracle::Real blob(oracle::Size size, oracle::Vector h) {
  auto image = oracle::random_volume(size, 5);
  oracle::every_voxel(size, [&](oracle::Voxel v) {
    double const r = std::hypot(v.i * h[0] - 14, (v.j * h[1] - 22) / 1.2, (v.k * h[2] - 21) / 0.9);
    image.at(v) = std::abs((r < 18 ? 1 : 0.1) + 0.05 * image.at(v));
  });
  return oracle::rounded(image);
}

// From inside, at and beyond the edge. Rounding grows from step to step: after 60 steps from inside
// with a smoothing of 1.5 the two are 5e-9 mm apart, so 20 steps are compared.
TEST(SurfaceOracle, TheSurfaceMovesAsInPlainLoops) {
  oracle::Size const size{23, 29, 15};
  oracle::Vector const h{1.7, 1.6, 2.9};
  auto const image = blob(size, h);
  std::vector<float> const values(image.data.begin(), image.data.end());
  Field<float const> const field{values.data(), {size.nx, size.ny, size.nz}};
  for (auto const& [radius, smoothing] : {std::pair{9.0, 1.0}, {17.0, 1.0}, {22.0, 1.5}}) {
    Mesh mesh = lumpy(3, {14, 22, 21}, radius);
    auto expected = copy(mesh);
    oracle::SurfaceForces const forces{.voxel_mm = h,
                                       .dark = 0.05,
                                       .threshold = 0.15,
                                       .middle = 0.98,
                                       .fraction = 0.45,
                                       .r_min = smoothing * 10 / 3,
                                       .r_max = smoothing * 10};

    for (int step = 0; step < 20; ++step) expected = oracle::moved(expected, image, forces);
    evolve_surface(field, {h[0], h[1], h[2]}, {.dark = 0.05, .threshold = 0.15, .middle = 0.98},
                   {.fractional_intensity = 0.45, .smoothing = smoothing, .steps = 20}, mesh);

    double farthest = 0;
    for (std::size_t n = 0; n < mesh.vertices.size(); ++n) {
      Vec3d const d = mesh.vertices[n] - Vec3d{expected.vertices[n][0], expected.vertices[n][1],
                                               expected.vertices[n][2]};
      farthest = std::max(farthest, std::sqrt(dot(d, d)));
    }
    EXPECT_LT(farthest, 1e-9) << radius;
  }
}

TEST(SurfaceOracle, InsideIsWhereTheSurfaceWindsAround) {
  Grid const g{23, 19, 13};
  Vec3d const h{1.3, 1.6, 2.9};
  for (double const radius : {9.0, 17.0}) {
    Mesh mesh = lumpy(3, {13, 14, 16}, radius);
    mesh.vertices[50] = {13, 14, 16};                               // a deep dent,
    mesh.vertices[7] = Vec3d{26, 28, 32} - 0.5 * mesh.vertices[7];  // and through itself
    auto const surface = copy(mesh);

    auto const mask = rasterize(mesh, g, h);

    for (std::size_t n = 0; n < g.size(); ++n) {
      Index3 const i = g.index(n);
      double const turns = oracle::winding_number(surface, {i.x * h.x, i.y * h.y, i.z * h.z});
      EXPECT_EQ(mask[n], std::abs(turns) > 0.5) << i.x << ' ' << i.y << ' ' << i.z;
    }
  }
}

}  // namespace
}  // namespace qsm
