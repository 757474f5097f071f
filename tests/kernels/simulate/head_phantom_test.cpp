#include "simulate/head_phantom.hpp"

#include <cmath>

#include "simulate/coil_array.hpp"
#include "math/counter_noise.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

std::vector<HeadSample> sampled(HeadPhantom const& head, float step_mm) {
  std::vector<HeadSample> samples;
  for (float z = -60; z < 85; z += step_mm)
    for (float y = -100; y < 100; y += step_mm)
      for (float x = -80; x < 80; x += step_mm) samples.push_back(head.at({x, y, z}));
  return samples;
}

TEST(HeadPhantom, HoldsEveryTissueAtOneAndAHalfMillimetres) {
  for (std::uint64_t const seed : {1, 2, 3}) {
    std::vector<int> count(kTissueCount);
    for (HeadSample const s : sampled(HeadPhantom({.seed = seed}), 1.5f))
      ++count[static_cast<std::size_t>(s.tissue)];
    for (auto t = static_cast<std::size_t>(Tissue::kCaudate); t <= 10; ++t)
      EXPECT_GT(count[t], 50) << "tissue " << t << " of head " << seed;
    for (std::size_t t = 0; t < kTissueCount; ++t)
      EXPECT_GT(count[t], 10) << "tissue " << t << " of head " << seed;
  }
}

TEST(HeadPhantom, SusceptibilityStaysNearItsTissuesNominalValue) {
  HeadPhantom const head;
  for (HeadSample const s : sampled(head, 3)) {
    float const nominal = head.tissues[s.tissue].chi_ppm;
    EXPECT_LE(std::abs(s.chi_ppm - nominal), 0.005f + 0.051f * std::abs(nominal));
  }
}

TEST(HeadPhantom, AnotherSeedIsAnotherHeadOfTheSameKind) {
  auto const a = sampled(HeadPhantom({.seed = 1}), 3);
  auto const b = sampled(HeadPhantom({.seed = 2}), 3);
  double brain_a = 0, brain_b = 0, different = 0;
  for (std::size_t n = 0; n < a.size(); ++n) {
    brain_a += is_brain(a[n].tissue);
    brain_b += is_brain(b[n].tissue);
    different += a[n].tissue != b[n].tissue;
  }
  EXPECT_NEAR(brain_b / brain_a, 1, 0.2);
  EXPECT_GT(different / brain_a, 0.2);
}

TEST(HeadPhantom, ScaleShrinksTheSameHead) {
  HeadPhantom const whole, half({.seed = 1, .scale = 0.5});
  for (Vec3 const p : {Vec3{26, -1, 3}, Vec3{10, 13, 7}, Vec3{0, 0, 60}, Vec3{40, -30, 20}})
    EXPECT_EQ(whole.at(p).tissue, half.at({p.x / 2, p.y / 2, p.z / 2}).tissue);
  EXPECT_THROW(HeadPhantom({.seed = 1, .scale = 0}), Error);
}

TEST(CoilHelmet, IsNormalisedAtTheHeadsOriginAndCoversTheHead) {
  for (int const count : {1, 8, 32}) {
    auto const coils = coil_helmet(count, 1);
    ASSERT_EQ(coils.size(), static_cast<std::size_t>(count));
    auto const power = [&](Vec3 p) {
      float sum = 0;
      for (Coil const& c : coils) sum += norm(c.receive(p));
      return sum;
    };
    EXPECT_NEAR(power({0, 0, 0}), 1, 1e-4);
    if (count < 8) continue;
    for (Vec3 const p : {Vec3{60, 0, 10}, Vec3{-60, 0, 10}, Vec3{0, 75, 10}, Vec3{0, -75, 10},
                         Vec3{0, 0, 60}, Vec3{0, 40, -50}})
      EXPECT_GT(power(p), 0.2f) << p.x << " " << p.y << " " << p.z;
  }
}

TEST(CounterNoise, IsStandardNormalAndUncorrelated) {
  std::uint64_t const key = noise_key(5, 9), other = noise_key(5, 10);
  double const n = 200000;
  double mean = 0, re2 = 0, im2 = 0, cross = 0, streams = 0, fourth = 0;
  for (std::uint64_t i = 0; i < 200000; ++i) {
    Complex const a = noise_at(key, i), b = noise_at(other, i);
    double const re = static_cast<double>(a.re), im = static_cast<double>(a.im);
    mean += re / n;
    re2 += re * re / n;
    im2 += im * im / n;
    fourth += re * re * re * re / n;
    cross += re * im / n;
    streams += re * static_cast<double>(b.re) / n;
  }
  EXPECT_NEAR(mean, 0, 0.01);
  EXPECT_NEAR(re2, 1, 0.015);
  EXPECT_NEAR(im2, 1, 0.015);
  EXPECT_NEAR(fourth, 3, 0.15);
  EXPECT_NEAR(cross, 0, 0.01);
  EXPECT_NEAR(streams, 0, 0.01);
}

}  // namespace
}  // namespace qsm
