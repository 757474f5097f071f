// Nonlinear TV on ten ellipsoids of known susceptibility, 96^3, c = 16 rad/ppm, alpha = 2e-4,
// 100 iterations, weight 1, no padding, fields that are never made by the inversion's own kernel.
// (That the scores are those of the serial double-precision oracle is tested in oracle/.)
#include "support/ten_ellipsoids.hpp"

#include <cmath>

#include "inversion/variational.hpp"
#include "metrics/metrics.hpp"
#include "simulate/forward_field.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using TenEllipsoids = test::DeviceTest;

constexpr Grid kGrid{96, 96, 96};
constexpr double kPhaseScale = 16;
Vec3d const kAxial{0, 0, 1}, kOblique{0.2, 0.3, 0.933};

std::vector<float> forward(ThisDevice const& device, Grid g, Vec3d voxel_mm, Vec3d b0,
                           std::vector<float> const& chi, double padding) {
  Buffer<ThisDevice, float> volume(device, g, chi);
  ForwardField<ThisDevice>(device, g, voxel_mm, normalized(b0), padding)
      .apply(volume.view(), volume.field());
  return volume.to_host();
}

/// Free space on the inversion's own voxels.
std::vector<float> field_on_voxels(ThisDevice const& device, Vec3d b0) {
  return forward(device, kGrid, {1, 1, 1}, b0, test::ellipsoid_chi(kGrid), 2);
}

/// Free space on cells of half the edge; the voxel sees the phase of the mean phasor.
std::vector<float> field_on_cells(ThisDevice const& device, Vec3d b0) {
  Grid const fine{2 * kGrid.nx, 2 * kGrid.ny, 2 * kGrid.nz};
  auto const cells = forward(device, fine, {0.5, 0.5, 0.5}, b0, test::ellipsoid_chi(fine), 1.5);
  auto const phase = [&](Index3 i) {
    return kPhaseScale * static_cast<double>(cells[fine.linear(i)]);
  };
  auto const real = test::halved(kGrid, [&](Index3 i) { return std::cos(phase(i)); });
  auto const imaginary = test::halved(kGrid, [&](Index3 i) { return std::sin(phase(i)); });
  auto field = real;
  for (std::size_t n = 0; n < field.size(); ++n)
    field[n] = static_cast<float>(std::atan2(imaginary[n], real[n]) / kPhaseScale);
  return field;
}

std::vector<float> invert(ThisDevice const& device, std::vector<float> const& field, Vec3d b0) {
  Buffer<ThisDevice, float> const local(device, kGrid, field);
  Buffer<ThisDevice, std::uint8_t> const mask(device, kGrid, test::ellipsoid_mask(kGrid));
  Buffer<ThisDevice, float> chi(device, kGrid);
  invert_variational(
      device, {1, 1, 1}, b0, kPhaseScale, local.view(), mask.view(), {},
      {.alpha = 2e-4, .mu1 = 2e-2, .max_iterations = 100, .tolerance = 0, .pad_voxels = 0},
      chi.field(), {});
  return chi.to_host();
}

struct Scores {
  double nrmse = 0;  // demeaned, in the mask, as a fraction
  double slope = 0;  // of the map on the truth
};

Scores score(std::vector<float> const& chi, std::vector<float> const& true_chi) {
  auto const mask = test::ellipsoid_mask(kGrid);
  std::vector<double> const recon(chi.begin(), chi.end()), truth(true_chi.begin(), true_chi.end());
  double const r = correlation(recon, truth, mask);
  auto const deviation = [&](std::vector<double> const& v) {
    double sum = 0, squares = 0, count = 0;
    for (std::size_t n = 0; n < v.size(); ++n)
      if (mask[n]) {
        sum += v[n];
        squares += v[n] * v[n];
        ++count;
      }
    return std::sqrt(squares / count - sum * sum / (count * count));
  };
  return {nrmse(recon, truth, mask) / 100, r * deviation(recon) / deviation(truth)};
}

/// Mean inside each ellipsoid less the mean of the brain around all of them.
std::vector<double> contrasts(std::vector<float> const& chi) {
  auto const mask = test::ellipsoid_mask(kGrid);
  double background = 0, outside = 0;
  std::vector<double> sum(10), count(10);
  for (std::size_t n = 0; n < chi.size(); ++n) {
    if (!mask[n]) continue;
    Vec3d const p = test::fraction(kGrid, kGrid.index(n));
    bool inside = false;
    for (std::size_t e = 0; e < 10; ++e)
      if (test::kTenEllipsoids[e].holds(p)) {
        sum[e] += static_cast<double>(chi[n]);
        ++count[e];
        inside = true;
      }
    if (!inside) {
      background += static_cast<double>(chi[n]);
      ++outside;
    }
  }
  for (std::size_t e = 0; e < 10; ++e) sum[e] = sum[e] / count[e] - background / outside;
  return sum;
}

void expect_accuracy(std::vector<float> const& chi, std::vector<float> const& truth, double limit) {
  auto const s = score(chi, truth);
  std::printf("nrmse %.4f  slope %.4f\n", s.nrmse, s.slope);
  EXPECT_LT(s.nrmse, limit);
  EXPECT_GT(s.slope, 0.95);
  auto const found = contrasts(chi), expected = contrasts(truth);
  for (std::size_t e = 0; e < 8; ++e)  // 5 voxels or more across; the veins are narrower
    EXPECT_NEAR(found[e], expected[e], 0.05 * std::abs(expected[e])) << "ellipsoid " << e;
}

TEST_F(TenEllipsoids, FromTheFreeSpaceFieldOfTheVoxels) {
  auto const truth = test::ellipsoid_chi(kGrid);
  for (auto const& [b0, limit] : {std::pair{kAxial, 0.07}, std::pair{kOblique, 0.23}})
    expect_accuracy(invert(device(), field_on_voxels(device(), b0), b0), truth, limit);
}

TEST_F(TenEllipsoids, FromTheMeanPhasorOfFinerCells) {
  Grid const fine{2 * kGrid.nx, 2 * kGrid.ny, 2 * kGrid.nz};
  auto const cells = test::ellipsoid_chi(fine);
  auto const truth =
      test::halved(kGrid, [&](Index3 i) { return static_cast<double>(cells[fine.linear(i)]); });
  for (auto const& [b0, limit] : {std::pair{kAxial, 0.12}, std::pair{kOblique, 0.13}})
    expect_accuracy(invert(device(), field_on_cells(device(), b0), b0), truth, limit);
}

}  // namespace
}  // namespace qsm
