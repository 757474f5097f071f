#include "phase/romeo_unwrap.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "device/buffer.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using RomeoUnwrapTest = test::DeviceTest;
using Mask = std::vector<std::uint8_t>;
using Values = std::vector<float>;

constexpr double kTwoPi = 2 * std::numbers::pi;

double wrapped(double phase) {
  return phase - kTwoPi * std::rint(phase / kTwoPi);
}

/// Echoes of a scan on the device, and what they were before wrapping.
struct Echoes {
  std::vector<Values> truth;  // with its noise: what a perfect unwrapping finds
  std::vector<Buffer<ThisDevice, float>> phase, magnitude;
  std::vector<double> te_s;

  RomeoEchoes fields() {
    RomeoEchoes f{{}, {}, te_s};
    for (auto& p : phase) f.phases.push_back(p.field());
    for (auto& m : magnitude) f.magnitudes.push_back(m.view());
    return f;
  }
};

/// Echo e shows rate(i) TE_e and noise; the noise of a voxel is that of its magnitude.
template <class Rate>
Echoes simulate(ThisDevice const& device, Grid g, std::vector<double> const& te_s, double noise,
                unsigned seed, Rate rate) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, noise);
  Echoes echoes{{}, {}, {}, te_s};
  for (double const te : te_s) {
    Values truth(g.size()), measured(g.size());
    for (std::size_t n = 0; n < g.size(); ++n) {
      double const phase = rate(g.index(n)) * te + normal(random);
      measured[n] = static_cast<float>(wrapped(phase));
      truth[n] = static_cast<float>(phase);
    }
    echoes.truth.push_back(truth);
    echoes.phase.emplace_back(device, g, measured);
    echoes.magnitude.emplace_back(device, g, test::volume(g, [](Index3) { return 1; }));
  }
  return echoes;
}

/// Voxels of the mask that are not truth + 2 pi turns.
std::size_t wrong_voxels(Values const& found, Values const& truth, Mask const& mask,
                         double turns = 0) {
  std::size_t wrong = 0;
  for (std::size_t n = 0; n < mask.size(); ++n)
    wrong += mask[n] && std::abs(static_cast<double>(found[n]) - static_cast<double>(truth[n]) -
                                 kTwoPi * turns) > 1e-3;
  return wrong;
}

/// The common turns of the mask: those of its first voxel.
double turns_of(Values const& found, Values const& truth, Mask const& mask) {
  for (std::size_t n = 0; n < mask.size(); ++n)
    if (mask[n])
      return std::rint((static_cast<double>(found[n]) - static_cast<double>(truth[n])) / kTwoPi);
  return 0;
}

Mask blob(Grid g, double cx, double cy, double cz, double half) {
  return test::volume<std::uint8_t>(
      g, [&](Index3 i) { return test::in_ellipsoid(i, cx, cy, cz, half, half, half); });
}

Echoes steep_ramp(ThisDevice const& device, Grid g, double noise, unsigned seed) {
  double const slope = 120.0 / (g.nx + g.ny + g.nz);
  return simulate(device, g, {1}, noise, seed, [&](Index3 i) {
    return slope * (i.x + i.y + i.z) - 60 + 3 * std::sin(0.1 * i.x) * std::cos(0.07 * i.z);
  });
}

// +-60 rad over the volume, 0.6 rad per voxel and axis, noise of 0.5 rad, up to the border.
// A step between neighbours exceeds pi at 3.6 sigma: the tree alone leaves 5 to 9 voxels of 2 10^5
// a turn away, each on its own.
TEST_F(RomeoUnwrapTest, RecoversSteepNoisyPhaseExactly) {
  std::size_t settled = 0;
  for (Grid const g : {Grid{67, 65, 64}, Grid{33, 97, 61}})
    for (unsigned const seed : {3, 16, 17, 21, 24})  // 16 to 24: where a vote of six is too crude
      for (PathWeights const weights : {PathWeights::kRomeo, PathWeights::kBestPath}) {
        auto echoes = steep_ramp(device(), g, 0.5, seed);
        Mask const mask(g.size(), 1);
        Buffer<ThisDevice, std::uint8_t> inside(device(), g, mask);

        auto const summary =
            romeo_unwrap(device(), echoes.fields(), {.weights = weights}, inside.field());

        EXPECT_EQ(summary.components, 1);
        EXPECT_EQ(summary.dropped, 0u);
        settled += summary.settled;
        auto const found = echoes.phase[0].to_host();
        double const turns = turns_of(found, echoes.truth[0], mask);
        EXPECT_EQ(wrong_voxels(found, echoes.truth[0], mask, turns), 0u) << "seed " << seed;
        EXPECT_LE(std::abs(turns), 1);  // the median of the truth is within half a turn of 0
      }
  std::printf("20 volumes of 2 10^5 voxels: %zu settled\n", settled);
}

// Two blobs, one of them three turns up at the first echo already, that no path joins: the second
// echo tells each its turns.
TEST_F(RomeoUnwrapTest, DisconnectedPiecesAreRightOnTheirOwn) {
  Grid const g{61, 40, 37};
  Mask const left = blob(g, 14, 19, 18, 12), right = blob(g, 46, 20, 17, 13);
  Mask both = left;
  for (std::size_t n = 0; n < both.size(); ++n) both[n] |= right[n];
  for (EchoMode const mode : {EchoMode::kTemplate, EchoMode::kIndividual}) {
    auto echoes = simulate(device(), g, {0.004, 0.009, 0.014, 0.019}, 0.2, 5, [](Index3 i) {
      return (i.x < 30 ? 900 : -1500) + 60 * std::sin(0.2 * i.x) * std::cos(0.15 * i.y) + 20 * i.z;
    });
    Buffer<ThisDevice, std::uint8_t> inside(device(), g, both);

    auto const summary = romeo_unwrap(device(), echoes.fields(), {.mode = mode}, inside.field());

    EXPECT_EQ(summary.components, 2);
    for (std::size_t e = 0; e < 4; ++e) {
      auto const found = echoes.phase[e].to_host();
      EXPECT_EQ(wrong_voxels(found, echoes.truth[e], both), 0u) << "echo " << e;
      for (std::size_t n = 0; n < g.size(); ++n)
        if (!both[n]) {
          ASSERT_EQ(found[n], 0);
        }
    }
  }
}

TEST_F(RomeoUnwrapTest, OneEchoHasEveryPiecesMedianWithinHalfATurn) {
  Grid const g{61, 40, 37};
  Mask const left = blob(g, 14, 19, 18, 12), right = blob(g, 46, 20, 17, 13);
  Mask both = left;
  for (std::size_t n = 0; n < both.size(); ++n) both[n] |= right[n];
  auto echoes = simulate(device(), g, {1}, 0.2, 6,
                         [](Index3 i) { return (i.x < 30 ? 100 : -70) + 0.5 * i.x + 0.4 * i.y; });
  Buffer<ThisDevice, std::uint8_t> inside(device(), g, both);

  romeo_unwrap(device(), echoes.fields(), {}, inside.field());

  auto const found = echoes.phase[0].to_host();
  for (Mask const& piece : {left, right}) {
    EXPECT_EQ(wrong_voxels(found, echoes.truth[0], piece, turns_of(found, echoes.truth[0], piece)),
              0u);
    std::vector<float> values;
    for (std::size_t n = 0; n < g.size(); ++n)
      if (piece[n]) values.push_back(found[n]);
    std::nth_element(values.begin(),
                     values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    EXPECT_LE(std::abs(values[values.size() / 2]), 3.15f);
  }
}

// A first echo that is off by 2.5 rad in some voxels predicts the second 5 rad off there.
TEST_F(RomeoUnwrapTest, VoxelsWithABadPredictionAreUnwrappedInSpace) {
  Grid const g{40, 37, 33};
  auto echoes = simulate(device(), g, {0.005, 0.01, 0.015}, 0.1, 7, [](Index3 i) {
    return 400 * std::sin(0.1 * i.x) + 300 * std::cos(0.12 * i.y) + 10 * i.z;
  });
  Values first = echoes.phase[0].to_host();
  Mask bad(g.size());
  for (std::size_t n = 0; n < g.size(); ++n) {
    Index3 const i = g.index(n);
    bad[n] = i.x % 9 == 4 && i.y % 8 == 4 && i.z % 7 == 3;
    if (!bad[n]) continue;
    echoes.truth[0][n] += 2.5f;
    first[n] = static_cast<float>(wrapped(static_cast<double>(first[n]) + 2.5));
  }
  echoes.phase[0].upload(first);
  Mask const mask(g.size(), 1);
  Buffer<ThisDevice, std::uint8_t> inside(device(), g, mask);

  auto const summary = romeo_unwrap(device(), echoes.fields(), {}, inside.field());

  EXPECT_GT(summary.repaired, 0u);
  EXPECT_EQ(wrong_voxels(echoes.phase[1].to_host(), echoes.truth[1], mask), 0u);
  EXPECT_EQ(wrong_voxels(echoes.phase[2].to_host(), echoes.truth[2], mask), 0u);
}

// Residues everywhere, samples that are no numbers, and no signal at all.
TEST_F(RomeoUnwrapTest, NeverLeavesTheDataModuloATurn) {
  Grid const g{23, 21, 13};
  for (EchoMode const mode : {EchoMode::kTemplate, EchoMode::kIndividual})
    for (PathWeights const weights : {PathWeights::kRomeo, PathWeights::kBestPath}) {
      auto echoes = simulate(device(), g, {0.004, 0.01, 0.016}, 3, 8, [](Index3) { return 0; });
      std::vector<Values> measured;
      for (std::size_t e = 0; e < 3; ++e) {
        measured.push_back(echoes.phase[e].to_host());
        measured[e][g.linear({5, 5, static_cast<int>(e)})] = NAN;
        measured[e][g.linear({6, 9, 4})] = e == 1 ? INFINITY : 0.5f;
        echoes.phase[e].upload(measured[e]);
      }
      Values magnitude = echoes.magnitude[1].to_host();
      for (std::size_t n = 0; n < 500; ++n) magnitude[n] = n % 2 == 0 ? 0.0f : NAN;
      echoes.magnitude[1].upload(magnitude);
      echoes.magnitude[0].zero();
      Mask const mask(g.size(), 1);
      Buffer<ThisDevice, std::uint8_t> inside(device(), g, mask);

      romeo_unwrap(device(), echoes.fields(), {.weights = weights, .mode = mode}, inside.field());

      auto const kept = inside.to_host();
      EXPECT_EQ(kept[g.linear({5, 5, 0})], 0);
      for (std::size_t e = 0; e < 3; ++e) {
        auto const found = echoes.phase[e].to_host();
        for (std::size_t n = 0; n < g.size(); ++n) {
          ASSERT_TRUE(std::isfinite(found[n]));
          if (kept[n] && std::isfinite(measured[e][n])) {
            // An ulp of 60 rad is 4e-6.
            ASSERT_NEAR(
                wrapped(static_cast<double>(found[n]) - static_cast<double>(measured[e][n])), 0,
                1e-5);
          } else {
            ASSERT_EQ(found[n], 0);
          }
        }
      }
    }
}

TEST_F(RomeoUnwrapTest, SmallPiecesLeaveTheMask) {
  Grid const g{40, 30, 20};
  Mask mask = blob(g, 12, 14, 9, 8);
  std::size_t const large = static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1));
  for (int x = 30; x < 35; ++x) mask[g.linear({x, 10, 10})] = 1;
  auto echoes = simulate(device(), g, {1}, 0.1, 9, [](Index3 i) { return 0.3 * i.x; });
  Buffer<ThisDevice, std::uint8_t> inside(device(), g, mask);

  auto const summary = romeo_unwrap(device(), echoes.fields(), {}, inside.field());

  EXPECT_EQ(summary.components, 1);
  EXPECT_EQ(summary.dropped, 5u);
  auto const kept = inside.to_host();
  EXPECT_EQ(static_cast<std::size_t>(std::count(kept.begin(), kept.end(), 1)), large);
}

TEST_F(RomeoUnwrapTest, QualityIsHighWherePhaseIsSmooth) {
  Grid const g{31, 20, 17};
  auto echoes = simulate(device(), g, {0.004, 0.008}, 0, 10, [](Index3 i) {
    return 25.0 * i.x + (i.x > 15 && i.y % 2 == 0 ? 500 : 0);
  });
  Buffer<ThisDevice, std::uint8_t> const inside(device(), g, Mask(g.size(), 1));
  Buffer<ThisDevice, float> quality(device(), g);

  romeo_quality(device(), echoes.fields(), inside.view(), quality.field());

  auto const q = quality.to_host();
  EXPECT_GT(q[g.linear({8, 10, 8})], 0.9f);
  EXPECT_LT(q[g.linear({22, 10, 8})], 0.7f);
  EXPECT_NEAR(q[g.linear({0, 10, 8})], 5.0 / 6, 0.05);  // one edge of six is missing
}

TEST_F(RomeoUnwrapTest, BadInputIsNamed) {
  Grid const g{8, 7, 6};
  auto const reason = [&](std::vector<double> te, int phases, bool filled) -> std::string {
    Buffer<ThisDevice, float> phase(device(), g);
    phase.zero();
    Buffer<ThisDevice, std::uint8_t> mask(device(), g, Mask(g.size(), filled ? 1 : 0));
    std::vector<Field<float>> const fields(static_cast<std::size_t>(phases), phase.field());
    try {
      romeo_unwrap(device(), {fields, {}, te}, {.min_component_voxels = 400}, mask.field());
    } catch (Error const& e) {
      return e.reason();
    }
    return "";
  };
  EXPECT_EQ(reason({1}, 1, false), "EMPTY_MASK");
  EXPECT_EQ(reason({1}, 1, true), "EMPTY_MASK");  // 336 voxels are no piece of 400
  EXPECT_EQ(reason({2, 1}, 2, true), "ECHO_TIMES");
  EXPECT_EQ(reason({1, 2}, 1, true), "ECHO_COUNT");
}

}  // namespace
}  // namespace qsm
