#include "math/gaussian.hpp"

#include <cmath>
#include <random>

#include "support/this_device.hpp"

namespace qsm {
namespace {

using SeparableFilterTest = test::DeviceTest;

std::vector<float> random_volume(Grid g, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(g.size());
  for (float& v : values) v = normal(random);
  return values;
}

double tap(std::vector<float> const& taps, int t) {
  auto const n = static_cast<std::size_t>(std::abs(t));
  return n < taps.size() ? static_cast<double>(taps[n]) : 0.0;
}

/// Sum of the weights inside the volume at i: what the filter divides by.
double inside(Grid g, Index3 i, std::vector<float> const* taps) {
  double product = 1;
  for (int axis : {0, 1, 2}) {
    int const c = axis == 0 ? i.x : axis == 1 ? i.y : i.z;
    double sum = 0;
    for (int m = 0; m < g.extent(axis); ++m) sum += tap(taps[axis], m - c);
    product *= sum;
  }
  return product;
}

double direct(std::vector<float> const& u, Grid g, Index3 i, std::vector<float> const* taps) {
  double sum = 0;
  for (std::size_t n = 0; n < u.size(); ++n) {
    Index3 const j = g.index(n);
    sum += tap(taps[0], j.x - i.x) * tap(taps[1], j.y - i.y) * tap(taps[2], j.z - i.z) *
           static_cast<double>(u[n]);
  }
  return sum / inside(g, i, taps);
}

TEST_F(SeparableFilterTest, IsTheConvolutionTruncatedAtTheBorder) {
  for (Grid const g : {Grid{7, 5, 6}, Grid{21, 9, 1}, Grid{37, 8, 11}}) {
    std::vector<float> const taps[3] = {gaussian_taps(2.0), box_taps(2), gaussian_taps(0)};
    SeparableFilter<ThisDevice> const filter(device(), g, taps[0], taps[1], taps[2]);
    auto const re = random_volume(g, 1);
    auto const im = random_volume(g, 2);
    std::vector<Complex> pair(g.size());
    for (std::size_t n = 0; n < pair.size(); ++n) pair[n] = {re[n], im[n]};
    Buffer<ThisDevice, float> real(device(), g, re), real_out(device(), g);
    Buffer<ThisDevice, Complex> both(device(), g, pair), both_out(device(), g);

    filter.run(real.field(), real_out.field());
    filter.run(both.field(), both_out.field());

    auto const a = real_out.to_host();
    auto const b = both_out.to_host();
    for (std::size_t n = 0; n < a.size(); ++n) {
      EXPECT_NEAR(a[n], direct(re, g, g.index(n), taps), 1e-5);
      EXPECT_NEAR(b[n].re, a[n], 1e-6);
      EXPECT_NEAR(b[n].im, direct(im, g, g.index(n), taps), 1e-5);
    }
  }
}

// <B u, g v> = <g u, B v> with g the weight inside the volume: the numerator is self-adjoint.
TEST_F(SeparableFilterTest, NumeratorIsSelfAdjoint) {
  Grid const g{33, 18, 13};
  std::vector<float> const taps[3] = {gaussian_taps(3), gaussian_taps(1.5), gaussian_taps(2)};
  auto const filter = SeparableFilter<ThisDevice>::gaussian(device(), g, {1, 2, 1.5}, 3);
  auto const u = random_volume(g, 3);
  auto const v = random_volume(g, 4);
  Buffer<ThisDevice, float> a(device(), g, u), b(device(), g, v);
  Buffer<ThisDevice, float> bu(device(), g), bv(device(), g);

  filter.run(a.field(), bu.field());
  filter.run(b.field(), bv.field());

  auto const smooth_u = bu.to_host();
  auto const smooth_v = bv.to_host();
  double left = 0, right = 0, size = 0;
  for (std::size_t n = 0; n < u.size(); ++n) {
    double const weight = inside(g, g.index(n), taps);
    left += weight * static_cast<double>(smooth_u[n]) * static_cast<double>(v[n]);
    right += weight * static_cast<double>(u[n]) * static_cast<double>(smooth_v[n]);
    size += weight * static_cast<double>(u[n]) * static_cast<double>(u[n]);
  }
  EXPECT_NEAR(left, right, 1e-6 * size);
}

TEST_F(SeparableFilterTest, ConstantsPassUnchangedUpToTheBorder) {
  Grid const g{40, 31, 12};
  auto const filter = SeparableFilter<ThisDevice>::gaussian(device(), g, {1, 1, 3}, 10, 3);
  Buffer<ThisDevice, float> in(device(), g, std::vector<float>(g.size(), 2.5f));
  Buffer<ThisDevice, float> out(device(), g);

  filter.run(in.field(), out.field());

  for (float const v : out.to_host()) EXPECT_NEAR(v, 2.5f, 1e-5);
}

TEST(GaussianTaps, AreCutAtThreeSigma) {
  EXPECT_EQ(gaussian_taps(10).size(), 31u);
  EXPECT_EQ(gaussian_taps(0).size(), 1u);
  EXPECT_NEAR(gaussian_taps(2)[2], std::exp(-0.5), 1e-7);
}

}  // namespace
}  // namespace qsm
