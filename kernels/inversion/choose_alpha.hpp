/// The weight of total variation, found from the data (nltv.hpp has the functional).
///
///   noise      alpha = 0.08 sigma mean(W), sigma the noise of the phase: what its own spectrum
///              holds on the magic cone (spectrum_bands.hpp). One transform.
///   equalise   twice the alpha at which the map's spectrum is as large at small |D| as at large:
///              A2 = A3 (Milovic et al. 2021 MRM, doi 10.1002/mrm.28435). Up to six short solves
///              from x = 0: begun where a smoother map ended they keep some of its smoothness, and
///              the balance is then no function of alpha.
///
/// docs/algorithms.md compares both with the best fixed alpha.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "device/control.hpp"
#include "inversion/nltv.hpp"

namespace qsm {

constexpr double kAlphaPerNoise = 0.08;
constexpr double kSmallestAlphaPpm = 5e-6;  // for a field without any noise: next to none

/// What frequency equalisation costs at most: three solves of the default length.
constexpr int kEqualiseSolves = 6, kEqualiseIterations = 40;

/// Where log(A2 / A3), which falls with log(alpha), should cross zero: interpolated between the two
/// trials around it, a tenth of the bracket or more away from either; without two, a factor of four
/// further out.
inline double next_alpha(std::vector<AlphaTrial> const& trials) {
  double low = -1e300, high = 1e300, above = 0, below = 0;  // balances at them
  for (auto const& t : trials) {
    double const at = std::log(t.alpha), log_balance = std::log(t.balance);
    if (log_balance > 0 && at > low) low = at, above = log_balance;
    if (log_balance <= 0 && at < high) high = at, below = log_balance;
  }
  if (low < -1e299) return std::exp(high - std::log(4.0));
  if (high > 1e299) return std::exp(low + std::log(4.0));
  double const share = std::clamp(above / (above - below), 0.1, 0.9);
  return std::exp(low + share * (high - low));
}

/// Solves for one alpha after the other; `regularise(alpha)` sets it on the solver.
/// Returns the trials, of which at least one. The alpha to use is 2 next_alpha(trials).
template <class Solver, class Regularise>
std::vector<AlphaTrial> equalise(Solver& solver, double first_alpha, Regularise regularise,
                                 Control const& control) {
  std::vector<AlphaTrial> trials;
  double alpha = first_alpha;
  for (int solve = 0; solve < kEqualiseSolves; ++solve) {
    regularise(alpha);
    auto const ended = solver.run(kEqualiseIterations, 0.01, [&](int iteration, double change) {
      control.report(
          {solve * kEqualiseIterations + iteration, kEqualiseSolves * kEqualiseIterations, change});
    });
    trials.push_back(
        {.alpha = alpha, .balance = solver.band_balance(), .iterations = ended.iterations});
    if (std::fabs(std::log(trials.back().balance)) < 0.02) break;
    alpha = next_alpha(trials);
    if (alpha < 1e-9) break;
  }
  return trials;
}

}  // namespace qsm
