// Least-squares V-SHARP against direct summation over every ball.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "background/vsharp_ls.hpp"
#include "kernels/oracle/compare.hpp"
#include "support/oracle_vsharp_ls.hpp"

namespace qsm {
namespace {

using BackgroundLsOracle = test::DeviceTest;
using test::download;
using test::upload;

struct Case {
  oracle::Size size;
  oracle::Vector voxel_mm;
  std::vector<double> radii;
  bool weighted = false;
  bool moment_match = true;
  double lambda = 1e-2;
  int iterations = 10;
};

/// Noise on a field that is harmonic on any spacing.
oracle::Real noisy_field(oracle::Size size) {
  auto field = oracle::random_volume(size, 3);
  oracle::every_voxel(size,
                      [&](oracle::Voxel v) { field.at(v) += 0.05 * v.i * v.j - 0.2 * v.k + 1; });
  return oracle::rounded(field);
}

/// Random weights with a hole in the middle; 1 throughout where not `weighted`.
oracle::Real weights(Case const& c) {
  oracle::Real weight(c.size, 1);
  if (!c.weighted) return weight;
  auto const random = oracle::random_volume(c.size, 5);
  oracle::every_voxel(c.size, [&](oracle::Voxel v) {
    bool const hole = std::abs(v.i - c.size.nx / 2) < 3 && std::abs(v.j - c.size.ny / 2) < 2;
    weight.at(v) = hole ? 0 : 1 / (1 + std::abs(random.at(v)));
  });
  return oracle::rounded(weight);
}

oracle::Real solve(ThisDevice const& device, Case const& c, oracle::Real const& field,
                   oracle::Mask const& mask, oracle::Real const& weight, oracle::Mask& defined) {
  auto const f = upload(device, field);
  auto const m = upload(device, mask);
  Buffer<ThisDevice, float> w, local(device, f.grid());
  if (c.weighted) w = upload(device, weight);
  Buffer<ThisDevice, std::uint8_t> local_mask(device, f.grid());
  vsharp_ls(device, test::vec(c.voxel_mm), f.view(), m.view(), w.view(),
            {.radii_mm = c.radii,
             .moment_match = c.moment_match,
             .lambda = c.lambda,
             .iterations = c.iterations},
            local.field(), local_mask.field(), {});
  defined = download(local_mask);
  return download(local);
}

// Rounding of the transforms, eps log2(N) = 8e-7 of the field, twice through A and amplified by at
// most 1 / (2 sqrt(lambda)) = 5 in the solution.
TEST_F(BackgroundLsOracle, StepsAreThoseOfDirectSums) {
  Case const cases[] = {
      {.size = {15, 14, 13}, .voxel_mm = {1, 1, 1}, .radii = {4, 3, 2}},
      {.size = {16, 17, 11}, .voxel_mm = {1, 0.9, 1.7}, .radii = {5, 4, 3, 2}, .weighted = true},
      {.size = {16, 17, 11},
       .voxel_mm = {1, 0.9, 1.7},
       .radii = {5, 3},
       .moment_match = false,
       .lambda = 1e-3,
       .iterations = 4},
      {.size = {13, 12, 14}, .voxel_mm = {1.2, 1.2, 1}, .radii = {9, 3.5}, .weighted = true}};
  for (Case const& c : cases) {
    auto mask = oracle::ellipsoid(c.size);
    auto field = noisy_field(c.size);
    auto const weight = weights(c);
    oracle::Voxel const lost = {c.size.nx / 2, 2, c.size.nz / 2};  // not finite: background
    mask.at(lost) = 0;
    oracle::BallDifference const a(mask, c.voxel_mm, c.radii, c.moment_match);
    auto const expected =
        oracle::vsharp_least_squares(a, field, mask, weight, c.lambda, c.iterations);
    auto seen = mask;
    seen.at(lost) = 1;
    field.at(lost) = std::numeric_limits<double>::infinity();
    oracle::Mask defined(c.size);

    auto const result = solve(device(), c, field, seen, weight, defined);

    EXPECT_EQ(test::differing(defined, mask), 0U);
    double error = 0, size = 0;
    for (std::size_t n = 0; n < mask.data.size(); ++n) {
      error += std::norm(result.data[n] - expected.data[n]);
      if (mask.data[n]) size += std::norm(field.data[n]);
    }
    EXPECT_LT(std::sqrt(error / size), 1e-5) << c.radii.front() << " mm";
  }
}

// What the steps lead to: the gradient of the functional vanishes.
TEST_F(BackgroundLsOracle, ConvergesToTheMinimiser) {
  Case const c{.size = {15, 16, 11},
               .voxel_mm = {1, 0.9, 1.7},
               .radii = {5, 3, 2},
               .weighted = true,
               .lambda = 0.05,
               .iterations = 60};
  auto const mask = oracle::ellipsoid(c.size);
  auto const field = noisy_field(c.size);
  auto const weight = weights(c);
  oracle::BallDifference const a(mask, c.voxel_mm, c.radii, c.moment_match);
  oracle::Mask defined(c.size);

  auto const local = solve(device(), c, field, mask, weight, defined);

  auto inside = field;
  oracle::every_voxel(c.size, [&](oracle::Voxel v) {
    if (!mask.at(v)) inside.at(v) = 0;
  });
  EXPECT_LT(test::relative_error(oracle::normal_equation(a, weight, c.lambda, local),
                                 oracle::normal_equation(a, weight, 0, inside)),
            1e-5);
}

}  // namespace
}  // namespace qsm
