/// The weight of total variation, found from the data (variational.hpp has the functional).
///
///   noise      alpha = 0.08 sigma mean(W), sigma the noise of the phase: what its own spectrum
///              holds on the magic cone (spectrum_bands.hpp). One transform. Half of that where the
///              background that is left has a place of its own: more alpha smoothed it, too.
///   equalise   twice the alpha at which the map's spectrum is as large at small |D| as at large:
///              A2 = A3 (Milovic et al. 2021 MRM, doi 10.1002/mrm.28435). Up to six short solves
///              from x = 0: begun where a smoother map ended they keep some of its smoothness, and
///              the balance is then no function of alpha.
///
///   l-curve    the misfit C(alpha) and the variation R(alpha) of seven short solves, a factor of
///              two apart. Where log C^2 over log R^2 bends most smooths too much; taken is where
///              its curvature changes sign to the left of that (Bilgic et al. 2014 MRM 72:1444;
///              the inflection by Milovic et al. 2021).
///   discrepancy
///              the alpha that leaves of the misfit what the noise alone would:
///              sum W (1 - cos(D x - phi)) = sigma^2 / 2 sum W. Up to six short solves.
///
/// docs/algorithms.md compares them with the best fixed alpha.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "device/control.hpp"
#include "inversion/variational.hpp"

namespace qsm {

inline double alpha_per_noise(Prior prior) {
  return prior == Prior::kWeakHarmonic ? 0.04 : 0.08;
}
constexpr double kSmallestAlphaPpm = 5e-6;  // for a field without any noise: next to none

/// Short solves: six of a search cost three of the default length.
constexpr int kTrialIterations = 40, kSearchSolves = 6;
constexpr int kCurveSolves = 7;  // as many iterations each: three and a half solves

/// Where an excess, whose logarithm falls with log(alpha), should be 1: interpolated between the
/// two trials around it, a tenth of the bracket or more away from either; without two, a factor of
/// four further out.
template <class Excess>
double next_alpha(std::vector<AlphaTrial> const& trials, Excess excess) {
  double low = -1e300, high = 1e300, above = 0, below = 0;  // excesses at them
  for (auto const& t : trials) {
    double const at = std::log(t.alpha), size = std::log(excess(t));
    if (size > 0 && at > low) low = at, above = size;
    if (size <= 0 && at < high) high = at, below = size;
  }
  if (low < -1e299) return std::exp(high - std::log(4.0));
  if (high > 1e299) return std::exp(low + std::log(4.0));
  double const share = std::clamp(above / (above - below), 0.1, 0.9);
  return std::exp(low + share * (high - low));
}

/// One short solve from x = 0: `solve(alpha, most, tolerance, on_iteration)`.
template <class Solve>
AlphaTrial try_alpha(Solve solve, double alpha, int trial, int trials, Control const& control) {
  auto const ended = solve(alpha, kTrialIterations, 0.01, [&](int iteration, double change) {
    control.report({trial * kTrialIterations + iteration, trials * kTrialIterations, change});
  });
  return {
      .alpha = alpha, .balance = 0, .misfit = 0, .variation = 0, .iterations = ended.iterations};
}

/// Solves for one alpha after the other until `excess(trial)` is within 2 % of 1. `judge(trial)`
/// fills in what it reads of the map. Returns the trials, of which at least one; the alpha is
/// next_alpha()'s of them.
template <class Solve, class Judge, class Excess>
std::vector<AlphaTrial> search_alpha(Solve solve, double first_alpha, Judge judge, Excess excess,
                                     Control const& control) {
  std::vector<AlphaTrial> trials;
  double alpha = first_alpha;
  for (int trial = 0; trial < kSearchSolves; ++trial) {
    trials.push_back(try_alpha(solve, alpha, trial, kSearchSolves, control));
    judge(trials.back());
    if (std::fabs(std::log(excess(trials.back()))) < 0.02) break;
    alpha = next_alpha(trials, excess);
    if (alpha < 1e-9) break;
  }
  return trials;
}

inline double balance_of(AlphaTrial const& t) {
  return t.balance;
}

/// Solves on both sides of `middle_alpha`; the trials are the points of the curve, alpha rising.
template <class Solve, class Judge>
std::vector<AlphaTrial> l_curve(Solve solve, double middle_alpha, Judge judge,
                                Control const& control) {
  std::vector<AlphaTrial> trials;
  for (int trial = 0; trial < kCurveSolves; ++trial) {
    double const alpha = std::max(1e-9, middle_alpha * std::exp2(trial - kCurveSolves / 2));
    trials.push_back(try_alpha(solve, alpha, trial, kCurveSolves, control));
    judge(trials.back());
  }
  return trials;
}

/// The inflection left of the largest curvature of trials a constant factor apart; that of the
/// largest curvature where there is no change of sign. Five trials or more.
inline double inflection_of(std::vector<AlphaTrial> const& trials) {
  std::vector<double> curvature(trials.size(), 0);
  auto const rho = [&](std::size_t n) { return 2 * std::log(std::max(trials[n].misfit, 1e-300)); };
  auto const eta = [&](std::size_t n) {
    return 2 * std::log(std::max(trials[n].variation, 1e-300));
  };
  auto const first = [](auto f, std::size_t n) { return (f(n + 1) - f(n - 1)) / 2; };
  auto const second = [](auto f, std::size_t n) { return f(n + 1) - 2 * f(n) + f(n - 1); };
  std::size_t sharpest = 1;
  for (std::size_t n = 1; n + 1 < trials.size(); ++n) {
    double const dr = first(rho, n), de = first(eta, n);
    curvature[n] = 2 * (dr * second(eta, n) - second(rho, n) * de) /
                   std::max(std::pow(dr * dr + de * de, 1.5), 1e-300);
    if (curvature[n] > curvature[sharpest]) sharpest = n;
  }
  for (std::size_t n = sharpest; n > 1; --n)
    if (curvature[n] > 0 && curvature[n - 1] <= 0) {
      double const share = curvature[n] / (curvature[n] - curvature[n - 1]);
      return trials[n].alpha * std::pow(trials[n - 1].alpha / trials[n].alpha, share);
    }
  return trials[sharpest].alpha;
}

}  // namespace qsm
