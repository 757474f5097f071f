// Edge weights and spanning forests against their definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <random>

#include "kernels/oracle/compare.hpp"
#include "phase/edge_weights.hpp"
#include "phase/neighbour_turns.hpp"
#include "phase/spanning_forest.hpp"
#include "support/oracle_paths.hpp"
#include "support/oracle_unwrap.hpp"

namespace qsm {
namespace {

using PathsOracle = test::DeviceTest;
using test::upload;

constexpr double kTwoPi = 2 * std::numbers::pi;

oracle::Real wrapped_noise(oracle::Size s, unsigned seed, double spread) {
  auto phase = oracle::random_volume(s, seed);
  oracle::every_voxel(s, [&](oracle::Voxel v) {
    phase.at(v) = oracle::wrap(spread * phase.at(v) + 0.9 * v.i - 0.6 * v.j + 0.3 * v.k * v.k);
  });
  return oracle::rounded(phase);
}

std::vector<double> along(EdgeCostBuffers<ThisDevice> const& costs, int axis) {
  auto const values = costs.along[axis].to_host();
  return {values.begin(), values.end()};
}

struct Scan {
  oracle::Size size;
  oracle::Real phase, second, magnitude;
  oracle::Mask mask;
  explicit Scan(oracle::Size s, unsigned seed)
      : size(s),
        phase(wrapped_noise(s, seed, 0.4)),
        second(wrapped_noise(s, seed + 1, 0.6)),
        magnitude(oracle::random_volume(s, seed + 2)),
        mask(s, 1) {
    for (double& m : magnitude.data) m = std::abs(m);
    magnitude = oracle::rounded(magnitude);
    mask.at({1, 1, 1}) = mask.at({s.nx / 2, s.ny / 2, s.nz / 2}) = 0;  // holes
  }
};

// A quality differs by some 1e-7 from its float, a cost by 0.01: only where the rounding to a whole
// number is that close does it differ, by one.
void expect_costs(EdgeCostBuffers<ThisDevice> const& costs, oracle::Edges const& expected) {
  std::size_t apart = 0, all = 0;
  for (int axis = 0; axis < 3; ++axis) {
    auto const found = along(costs, axis);
    auto const& wanted = expected[static_cast<std::size_t>(axis)].data;
    for (std::size_t n = 0; n < found.size(); ++n) {
      ASSERT_NEAR(found[n], wanted[n], 1) << "axis " << axis << ", voxel " << n;
      ASSERT_EQ(found[n] == 0, wanted[n] == 0);
      apart += found[n] != wanted[n];
      all += wanted[n] != 0;
    }
  }
  EXPECT_LE(apart, all / 20);
}

TEST_F(PathsOracle, RomeoCostsAreTheRoundedQualities) {
  for (oracle::Size const s : {oracle::Size{7, 5, 6}, {13, 8, 9}, {3, 2, 4}}) {
    Scan scan(s, 50);
    scan.magnitude.data[2] = 0;
    scan.magnitude.data[3] = 0;
    auto const w = upload(device(), scan.phase), v = upload(device(), scan.second),
               m = upload(device(), scan.magnitude);
    auto const mask = upload(device(), scan.mask);
    EdgeCostBuffers<ThisDevice> costs(device(), w.grid());
    Buffer<ThisDevice, float> quality(device(), w.grid());
    std::vector<double> sorted;
    for (std::size_t n = 0; n < scan.mask.data.size(); ++n)
      if (scan.mask.data[n]) sorted.push_back(scan.magnitude.data[n]);
    std::sort(sorted.begin(), sorted.end());
    double const at = 0.95 * static_cast<double>(sorted.size() - 1);
    auto const low = static_cast<std::size_t>(at);
    double const m95 =
        sorted[low] + (at - static_cast<double>(low)) * (sorted[low + 1] - sorted[low]);

    for (int terms = 0; terms < 8; ++terms) {
      bool const second = terms & 1, magnitude = terms & 2, level = terms & 4;
      RomeoInputs in{.phase = w.view(), .second = {}, .magnitude = {}, .settled = {}};
      oracle::RomeoTerms wanted{.phase = &scan.phase, .te_ratio = 0.75};
      if (second) in.second = v.view(), wanted.second = &scan.second;
      if (magnitude) in.magnitude = m.view(), wanted.magnitude = &scan.magnitude;
      in.te_ratio = 0.75f;
      in.magnitude_level = magnitude && level;
      if (in.magnitude_level) wanted.m95 = m95;

      romeo_edge_costs(device(), in, mask.view(), costs);
      voxel_quality(device(), costs.view(), quality.field());

      auto const q = oracle::romeo_quality(wanted, scan.mask);
      expect_costs(costs, oracle::integer_costs(q));
      // A cost is off by at most 1.5 of 65535: rounding, and cost 1 for quality 1.
      EXPECT_LT(test::largest_error(test::download(quality), oracle::mean_quality(q)), 1.5 / 65535);
    }
  }
}

TEST_F(PathsOracle, WhatIsNotANumberHasNoEdges) {
  Scan scan({9, 8, 7}, 60);
  scan.phase.at({4, 3, 2}) = NAN;
  scan.phase.at({0, 0, 0}) = INFINITY;
  scan.second.at({6, 6, 6}) = NAN;
  scan.magnitude.at({2, 2, 5}) = NAN;
  auto const w = upload(device(), scan.phase), v = upload(device(), scan.second),
             m = upload(device(), scan.magnitude);
  auto const mask = upload(device(), scan.mask);
  EdgeCostBuffers<ThisDevice> costs(device(), w.grid());

  romeo_edge_costs(device(),
                   {.phase = w.view(),
                    .second = v.view(),
                    .magnitude = m.view(),
                    .te_ratio = 0.5f,
                    .settled = {}},
                   mask.view(), costs);

  auto const q = oracle::romeo_quality(
      {.phase = &scan.phase, .second = &scan.second, .magnitude = &scan.magnitude, .te_ratio = 0.5},
      scan.mask);
  expect_costs(costs, oracle::integer_costs(q));
  for (int axis = 0; axis < 3; ++axis) EXPECT_EQ(along(costs, axis)[w.grid().linear({4, 3, 2})], 0);
}

// 2048 steps to the octave from 2^-27; D sums 13 squares, good to some 1e-6, and a step is 5e-4.
TEST_F(PathsOracle, BestPathCostsAreTheLogarithmOfTheUnreliability) {
  Scan const scan({11, 9, 8}, 70);
  auto const w = upload(device(), scan.phase);
  auto const mask = upload(device(), scan.mask);
  EdgeCostBuffers<ThisDevice> costs(device(), w.grid());

  best_path_edge_costs(device(), w.view(), mask.view(), costs);

  auto const expected = oracle::best_path_cost(scan.phase, scan.mask);
  for (int axis = 0; axis < 3; ++axis) {
    auto const found = along(costs, axis);
    for (std::size_t n = 0; n < found.size(); ++n) {
      double const x = expected[static_cast<std::size_t>(axis)].data[n];
      ASSERT_EQ(found[n] == 0, x < 0);
      if (x < 0) continue;
      // Linear between octaves, as the mantissa of a float is.
      double const octave = std::floor(std::log2(x));
      double const steps = 2048 * (octave + 27 + x / std::exp2(octave) - 1);
      EXPECT_NEAR(found[n], std::floor(steps), 1);
    }
  }
}

struct Found {
  std::vector<std::uint32_t> component;
  std::vector<std::int32_t> turns;
  ForestSummary summary;
};

Found forest(ThisDevice const& device, oracle::Real const& phase, oracle::Mask const& mask,
             oracle::Edges const& costs) {
  auto const w = upload(device, phase);
  auto const m = upload(device, mask);
  EdgeCostBuffers<ThisDevice> edges(device, w.grid());
  for (int axis = 0; axis < 3; ++axis) {
    auto const& c = costs[static_cast<std::size_t>(axis)].data;
    edges.along[axis].upload(std::vector<std::uint16_t>(c.begin(), c.end()));
  }
  Buffer<ThisDevice, std::uint32_t> component(device, w.grid());
  Buffer<ThisDevice, std::int32_t> turns(device, w.grid());
  auto const summary =
      spanning_forest(device, w.view(), m.view(), edges.view(), {component.field(), turns.field()});
  return {component.to_host(), turns.to_host(), summary};
}

void expect_prim(Found const& found, oracle::Forest const& prim) {
  std::map<std::uint32_t, int> component;  // root -> Prim's number
  std::map<int, int> shift;                // between the two roots' turns
  for (std::size_t n = 0; n < prim.component.data.size(); ++n) {
    int const own = prim.component.data[n];
    ASSERT_EQ(found.component[n] == kNoComponent, own < 0);
    if (own < 0) {
      ASSERT_EQ(found.turns[n], 0);
      continue;
    }
    ASSERT_EQ(component.try_emplace(found.component[n], own).first->second, own);
    int const difference = found.turns[n] - prim.turns.data[n];
    ASSERT_EQ(shift.try_emplace(own, difference).first->second, difference);
  }
  EXPECT_EQ(static_cast<int>(component.size()), prim.components);
  EXPECT_EQ(found.summary.cost, prim.cost);
  for (auto const& [root, own] : component) {
    EXPECT_EQ(found.component[root], root);
    EXPECT_EQ(found.turns[root], 0);
  }
}

// Random phases, so that every wrong edge changes turns; few distinct costs, so that ties abound;
// holes and missing edges, so that there are many components.
TEST_F(PathsOracle, TheForestIsThatOfPrim) {
  oracle::Size const s = {16, 16, 16};
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    oracle::Real const phase = wrapped_noise(s, 100 + seed, 3);
    oracle::Mask mask(s);
    for (auto& m : mask.data) m = random() % 10 != 0;
    int const most = seed % 3 == 0 ? 65535 : seed % 3 == 1 ? 40 : 3;
    oracle::Edges costs = {oracle::Real(s), oracle::Real(s), oracle::Real(s)};
    for (std::size_t axis = 0; axis < 3; ++axis)
      oracle::every_voxel(s, [&](oracle::Voxel v) {
        oracle::Voxel next = v;
        next[static_cast<int>(axis)] += 1;
        bool const inside = mask.contains(next) && mask.at(v) && mask.at(next);
        auto const cost = static_cast<double>(1 + random() % static_cast<unsigned>(most));
        costs[axis].at(v) = inside && random() % 8 != 0 ? cost : 0;
      });

    auto const found = forest(device(), phase, mask, costs);

    expect_prim(found, oracle::prim(phase, mask, costs));
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

// Costs that fall along a line make one chain of links as long as the volume.
TEST_F(PathsOracle, LongChainsAreFollowed) {
  oracle::Size const s = {3000, 2, 1};
  oracle::Real const phase = wrapped_noise(s, 7, 3);
  oracle::Mask const mask(s, 1);
  for (bool const falling : {false, true}) {
    oracle::Edges costs = {oracle::Real(s), oracle::Real(s), oracle::Real(s)};
    oracle::every_voxel(s, [&](oracle::Voxel v) {
      if (v.i + 1 < s.nx) costs[0].at(v) = 10 + (falling ? s.nx - v.i : v.i);
      if (v.j == 0 && v.i == 1700) costs[1].at(v) = 65535;
    });
    expect_prim(forest(device(), phase, mask, costs), oracle::prim(phase, mask, costs));
  }
}

TEST_F(PathsOracle, UnwrapsAsPrimDoesWithItsOwnCosts) {
  for (oracle::Size const s : {oracle::Size{13, 8, 9}, {24, 22, 20}}) {
    Scan const scan(s, 90);
    auto const w = upload(device(), scan.phase), v = upload(device(), scan.second),
               m = upload(device(), scan.magnitude);
    auto const mask = upload(device(), scan.mask);
    EdgeCostBuffers<ThisDevice> costs(device(), w.grid());
    romeo_edge_costs(device(),
                     {.phase = w.view(),
                      .second = v.view(),
                      .magnitude = m.view(),
                      .te_ratio = 0.75f,
                      .settled = {}},
                     mask.view(), costs);
    oracle::Edges host = {oracle::Real(s), oracle::Real(s), oracle::Real(s)};
    for (int axis = 0; axis < 3; ++axis)
      host[static_cast<std::size_t>(axis)].data = along(costs, axis);

    expect_prim(forest(device(), scan.phase, scan.mask, host),
                oracle::prim(scan.phase, scan.mask, host));
  }
}

TEST_F(PathsOracle, SingleVoxelsGoToTheNearestTurn) {
  for (oracle::Size const s : {oracle::Size{7, 5, 6}, {13, 8, 9}, {1, 1, 5}}) {
    std::mt19937 random(5);
    auto phase = oracle::random_volume(s, 3);
    oracle::Volume<int> component(s);
    for (std::size_t n = 0; n < phase.data.size(); ++n) {
      phase.data[n] = phase.data[n] + (random() % 3 == 0 ? kTwoPi : 0);
      component.data[n] = static_cast<int>(random() % 8 == 0 ? random() % 3 : 1) - 1;
    }
    phase = oracle::rounded(phase);
    std::vector<std::uint32_t> labels;
    for (int const c : component.data)
      labels.push_back(c < 0 ? kNoComponent : static_cast<std::uint32_t>(c));
    auto const w = upload(device(), phase);
    Buffer<ThisDevice, std::uint32_t> const label(device(), w.grid(), labels);
    Buffer<ThisDevice, std::int32_t> turns(device(), w.grid());

    auto const turned = neighbour_turns(device(), w.view(), label.view(), turns.field());

    auto const expected = oracle::neighbours_turn(phase, component).data;
    EXPECT_EQ(turns.to_host(), std::vector<std::int32_t>(expected.begin(), expected.end()));
    EXPECT_EQ(turned, expected.size() - static_cast<std::size_t>(
                                            std::count(expected.begin(), expected.end(), 0)));
  }
}

}  // namespace
}  // namespace qsm
