#include "phase/laplacian_unwrap.hpp"

#include <cmath>
#include <numbers>
#include <random>

#include "support/this_device.hpp"

namespace qsm {
namespace {

using LaplacianUnwrapTest = test::DeviceTest;
using Mask = std::vector<std::uint8_t>;
using Values = std::vector<float>;

constexpr double kTwoPi = 2 * std::numbers::pi;

float wrapped(double phase) {
  return static_cast<float>(phase - kTwoPi * std::rint(phase / kTwoPi));
}

/// A Gaussian bump on a ramp, in the volume's own units of length.
double bump(Grid g, Index3 i, double height, double ramp) {
  double const x = (i.x - 0.5 * g.nx) / g.nx, y = (i.y - 0.5 * g.ny) / g.ny,
               z = (i.z - 0.5 * g.nz) / g.nz;
  return height * std::exp(-(x * x + y * y + z * z) / (2 * 0.2 * 0.2)) + ramp * (x + 0.5 * y - z);
}

Mask ellipsoid(Grid g, double radius) {
  Mask mask(g.size());
  for (std::size_t n = 0; n < g.size(); ++n) {
    Index3 const i = g.index(n);
    mask[n] = std::hypot((i.x - 0.5 * g.nx) / g.nx, (i.y - 0.5 * g.ny) / g.ny,
                         (i.z - 0.5 * g.nz) / g.nz) < radius;
  }
  return mask;
}

/// Voxels of the mask that are not truth plus one common number of turns.
std::size_t wrong_voxels(Values const& found, std::vector<double> const& truth, Mask const& mask) {
  double shift = 0;
  bool first = true;
  std::size_t wrong = 0;
  for (std::size_t n = 0; n < mask.size(); ++n) {
    if (!mask[n]) continue;
    double const difference = static_cast<double>(found[n]) - truth[n];
    if (first) shift = kTwoPi * std::rint(difference / kTwoPi);
    first = false;
    wrong += std::abs(difference - shift) > 1e-3;
  }
  return wrong;
}

struct Case {
  std::vector<double> truth;
  Values measured;
};

/// The bump with Gaussian phase noise inside the mask and uniform noise outside.
Case make_case(Grid g, Mask const& mask, double height, double ramp, double noise) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(-std::numbers::pi, std::numbers::pi);
  Case c{std::vector<double>(g.size()), Values(g.size())};
  for (std::size_t n = 0; n < g.size(); ++n) {
    c.truth[n] =
        mask[n] ? bump(g, g.index(n), height, ramp) + noise * normal(random) : uniform(random);
    c.measured[n] = wrapped(c.truth[n]);
  }
  return c;
}

TEST_F(LaplacianUnwrapTest, IsExactWithoutResidues) {
  for (Grid const g : {Grid{64, 64, 64}, Grid{63, 37, 22}}) {
    Mask const mask(g.size(), 1);
    Case const c = make_case(g, mask, 12, 20, 0);
    LaplacianUnwrap<ThisDevice> unwrap(device(), g, {1, 1, 2});
    Buffer<ThisDevice, float> phase(device(), g, c.measured);
    Buffer<ThisDevice, std::uint8_t> const in(device(), g, mask);

    unwrap.run(phase.view(), in.view(), phase.field());

    EXPECT_EQ(wrong_voxels(phase.to_host(), c.truth, mask), 0u);
  }
}

// 40 rad over the head, up to 1.9 rad per voxel, with noise of 0.2 rad, and pure noise around it.
TEST_F(LaplacianUnwrapTest, NoiseOutsideTheMaskDoesNotReachIn) {
  Grid const g{75, 62, 41};
  Mask const mask = ellipsoid(g, 0.4);
  Case const c = make_case(g, mask, 12, 40, 0.2);
  LaplacianUnwrap<ThisDevice> unwrap(device(), g, {1, 1, 2.5});
  Buffer<ThisDevice, float> const in(device(), g, c.measured);
  Buffer<ThisDevice, float> out(device(), g);
  Buffer<ThisDevice, std::uint8_t> const inside(device(), g, mask);

  unwrap.run(in.view(), inside.view(), out.field());

  auto const found = out.to_host();
  EXPECT_EQ(wrong_voxels(found, c.truth, mask), 0u);
  for (std::size_t n = 0; n < g.size(); ++n)
    if (!mask[n]) {
      ASSERT_EQ(found[n], 0);
    }
}

TEST_F(LaplacianUnwrapTest, TwoVolumesTravelTogether) {
  Grid const g{40, 35, 30};
  Mask const mask = ellipsoid(g, 0.45);
  Case const a = make_case(g, mask, 12, 10, 0.1);
  Case const b = make_case(g, mask, -20, 30, 0.2);
  LaplacianUnwrap<ThisDevice> unwrap(device(), g, {1, 1, 1});
  Buffer<ThisDevice, float> first(device(), g, a.measured), second(device(), g, b.measured);
  Buffer<ThisDevice, std::uint8_t> const inside(device(), g, mask);

  unwrap.run(first.view(), second.view(), inside.view(), first.field(), second.field());

  EXPECT_EQ(wrong_voxels(first.to_host(), a.truth, mask), 0u);
  EXPECT_EQ(wrong_voxels(second.to_host(), b.truth, mask), 0u);
}

TEST_F(LaplacianUnwrapTest, NeverLeavesTheDataModuloATurn) {
  Grid const g{20, 21, 13};
  Mask const mask = ellipsoid(g, 0.5);
  Case c = make_case(g, Mask(g.size(), 0), 0, 0, 0);  // pure noise: residues everywhere
  c.measured[g.linear({10, 10, 6})] = NAN;
  LaplacianUnwrap<ThisDevice> unwrap(device(), g, {1, 1, 1});
  Buffer<ThisDevice, float> const in(device(), g, c.measured);
  Buffer<ThisDevice, float> out(device(), g);
  Buffer<ThisDevice, std::uint8_t> const inside(device(), g, mask);

  unwrap.run(in.view(), inside.view(), out.field());

  auto const found = out.to_host();
  for (std::size_t n = 0; n < g.size(); ++n) {
    ASSERT_TRUE(std::isfinite(found[n]));
    if (mask[n] && std::isfinite(c.measured[n])) {
      ASSERT_NEAR(wrapped(static_cast<double>(found[n]) - static_cast<double>(c.measured[n])), 0,
                  1e-5);
    }
  }
}

TEST_F(LaplacianUnwrapTest, EmptyMaskIsNamed) {
  Grid const g{8, 7, 6};
  Buffer<ThisDevice, float> phase(device(), g);
  Buffer<ThisDevice, std::uint8_t> mask(device(), g);
  phase.zero();
  mask.zero();
  LaplacianUnwrap<ThisDevice> unwrap(device(), g, {1, 1, 1});
  try {
    unwrap.run(phase.view(), mask.view(), phase.field());
    FAIL();
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "EMPTY_MASK");
  }
}

}  // namespace
}  // namespace qsm
