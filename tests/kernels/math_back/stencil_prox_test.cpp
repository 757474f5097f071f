#include <cmath>
#include <numbers>
#include <random>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "math/prox.hpp"
#include "math/shrink.hpp"
#include "math/sine.hpp"
#include "math/stencil.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using StencilTest = test::DeviceTest;
using ProxTest = test::DeviceTest;

struct Gradient {
  Field<float const> x;
  Vec3 scale;
  Field<float> gx, gy, gz;
  QSM_HD void operator()(Index3 i) const {
    gx[i] = forward_difference(x, i, 0, scale.x);
    gy[i] = forward_difference(x, i, 1, scale.y);
    gz[i] = forward_difference(x, i, 2, scale.z);
  }
};

struct Adjoint {
  Field<float const> px, py, pz;
  Vec3 scale;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    out[i] = adjoint_difference(px, i, 0, scale.x) + adjoint_difference(py, i, 1, scale.y) +
             adjoint_difference(pz, i, 2, scale.z);
  }
};

TEST_F(StencilTest, GradientAndItsAdjointAreAPair) {
  for (Grid const g : {Grid{9, 8, 7}, Grid{16, 5, 4}}) {
    using Volume = Buffer<ThisDevice, float>;
    auto const x = test::noise(g, 1), px = test::noise(g, 2), py = test::noise(g, 3),
               pz = test::noise(g, 4);
    Vec3 const scale = gradient_scale({1, 1.5, 3});
    Volume const in(device(), g, x), p(device(), g, px), q(device(), g, py), r(device(), g, pz);
    Volume gx(device(), g), gy(device(), g), gz(device(), g), back(device(), g);

    for_each_voxel(device(), g, Gradient{in.view(), scale, gx.field(), gy.field(), gz.field()});
    for_each_voxel(device(), g, Adjoint{p.view(), q.view(), r.view(), scale, back.field()});

    double const left =
        test::dot(gx.to_host(), px) + test::dot(gy.to_host(), py) + test::dot(gz.to_host(), pz);
    double const right = test::dot(x, back.to_host());
    double const size =
        test::norm(x) * std::sqrt(test::dot(px, px) + test::dot(py, py) + test::dot(pz, pz));
    EXPECT_NEAR(left, right, 1e-6 * size);
  }
}

TEST(Shrink, AndClampAddUp) {
  for (float const q : {-3.0f, -0.5f, -0.0f, 0.0f, 0.25f, 0.5f, 7.0f}) {
    EXPECT_EQ(shrink(q, 0.5f) + clamp(q, 0.5f), q);
    EXPECT_LE(std::abs(clamp(q, 0.5f)), 0.5f);
  }
  EXPECT_EQ(shrink(0.75f, 0.5f), 0.25f);
  EXPECT_EQ(shrink(-0.75f, 0.5f), -0.25f);
  EXPECT_EQ(shrink(0.1f, 0.5f), 0.0f);
}

double misfit(double weight, double d, double mu2, double y) {
  return weight * std::sin(y - d) + mu2 * y;
}

struct WorstCases {
  Grid g{100, 100, 101};
  std::vector<float> weight, d;
};

/// Random d in [-pi, pi] with random weights, of which all but `share` are at the largest, 0.999;
/// then a grid of d at that weight.
WorstCases worst_cases(unsigned seed, float share) {
  constexpr float kPi = std::numbers::pi_v<float>;
  WorstCases cases;
  cases.weight.resize(cases.g.size());
  cases.d.resize(cases.g.size());
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0, 1);
  for (std::size_t n = 0; n < cases.g.size(); ++n) {
    bool const random_case = n < 1'000'000;
    cases.weight[n] = random_case && uniform(random) < share ? uniform(random) * 0.999f : 0.999f;
    cases.d[n] = random_case ? (2 * uniform(random) - 1) * kPi
                             : kPi * (2 * static_cast<float>(n - 1'000'000) / 9999 - 1);
  }
  return cases;
}

struct SolveAll {
  Field<float const> weight, d;
  Field<float> y;
  QSM_HD void operator()(Index3 i) const { y[i] = prox_phase(weight[i], d[i], 1); }
};

// The case that an unguarded Newton step does not survive: W up to mu2, |d| up to pi.
TEST_F(ProxTest, FindsTheRootInEveryVoxelOfTheWorstCase) {
  auto const [g, w, d] = worst_cases(5, 0.95f);
  Buffer<ThisDevice, float> const weight(device(), g, w), distance(device(), g, d);
  Buffer<ThisDevice, float> y(device(), g);

  for_each_voxel(device(), g, SolveAll{weight.view(), distance.view(), y.field()});

  double worst = 0;
  auto const roots = y.to_host();
  for (std::size_t n = 0; n < roots.size(); ++n) {
    ASSERT_TRUE(std::isfinite(roots[n]));
    ASSERT_LE(std::abs(roots[n]), w[n] * 1.000001f);
    double const g_of_y = misfit(static_cast<double>(w[n]), static_cast<double>(d[n]), 1,
                                 static_cast<double>(roots[n]));
    worst = std::max(worst, std::abs(g_of_y));
  }
  EXPECT_LT(worst, 2e-6);
}

struct SolveAllAbsolute {
  Field<float const> weight, d;
  Field<float> y;
  QSM_HD void operator()(Index3 i) const { y[i] = prox_absolute_phase(weight[i], d[i], 1); }
};

// F(y) = y - w cos((|d| - y) / 2) is zero at the root; where F(|d|) <= 0 the minimum is |d| itself.
TEST_F(ProxTest, AbsoluteMisfitFindsTheRootOrTheKink) {
  auto const [g, w, d] = worst_cases(6, 1);
  Buffer<ThisDevice, float> const weight(device(), g, w), distance(device(), g, d);
  Buffer<ThisDevice, float> y(device(), g);

  for_each_voxel(device(), g, SolveAllAbsolute{weight.view(), distance.view(), y.field()});

  double worst = 0;
  auto const roots = y.to_host();
  for (std::size_t n = 0; n < roots.size(); ++n) {
    double const far = std::abs(static_cast<double>(d[n])), a = static_cast<double>(w[n]);
    double const root = std::abs(static_cast<double>(roots[n]));
    ASSERT_LE(root, far);
    ASSERT_GE(roots[n] * d[n], 0);
    if (far <= a)
      ASSERT_EQ(std::abs(roots[n]), std::abs(d[n]));
    else
      worst = std::max(worst, std::abs(root - a * std::cos((far - root) / 2)));
  }
  EXPECT_LT(worst, 5e-7);
}

TEST(Sine, IsThatOfTheLibrary) {
  for (int n = -1000; n <= 1000; ++n) {
    float const x = std::numbers::pi_v<float> * static_cast<float>(n) / 1000;
    EXPECT_NEAR(sine(x), std::sin(static_cast<double>(x)), 2e-7) << x;
    EXPECT_NEAR(cosine(x), std::cos(static_cast<double>(x)), 2e-7) << x;
  }
}

TEST(Prox, IsZeroWithoutWeightOrMisfit) {
  EXPECT_EQ(prox_phase(0, 2.5f, 1), 0);
  EXPECT_EQ(prox_phase(0.7f, 0, 1), 0);
  EXPECT_EQ(prox_absolute_phase(0, 2.5f, 1), 0);
  EXPECT_EQ(prox_absolute_phase(0.7f, 0, 1), 0);
}

}  // namespace
}  // namespace qsm
