/// The iteration that every solver of the family runs.
///
/// A solver has: regularise(Regularisation), once before the first run and whenever they change;
/// start(), x = 0 and no multipliers; iterate(misfit) -> Sums{|x|^2, |x - x before|^2}, one
/// x-update and the splittings behind it; misfit() of the map; problem(), its data and its map.
#pragma once

#include <cmath>
#include <string>

#include "device/error.hpp"
#include "device/run_and_sum.hpp"
#include "inversion/misfit.hpp"
#include "inversion/splitting.hpp"

namespace qsm {

struct Regularisation {
  double alpha;     // weight of the prior
  double mu1, mu2;  // penalties of the prior's splitting and of the data's
  double ridge;     // weight of |x|^2 / 2
  double rounding;  // the prior is quadratic below this difference [rad]; 0: nowhere

  Shrinkage shrinkage() const {
    double const theta = alpha / mu1;
    return {static_cast<float>(theta), static_cast<float>(theta / (theta + rounding))};
  }
};

struct Ended {
  int iterations = 0;
  bool converged = false;
};

/// Each run is a solve of its own. Ends where |x - x before| / |x| < tolerance, after 5 iterations
/// at least, or after `most` of them. The first `warm` take the linearised misfit.
/// Calls on_iteration(count, change). Throws Error{kNotConverged, "NOT_CONVERGED"} where a number
/// is no longer finite.
template <class Solver, class OnIteration>
Ended run_admm(Solver& solver, int warm, int most, double tolerance, OnIteration on_iteration) {
  Misfit const misfit = solver.problem().misfit;
  solver.start();
  for (int iteration = 1;; ++iteration) {
    Sums const squares = solver.iterate(iteration <= warm ? linearised(misfit) : misfit);
    double const change = squares.first == 0 ? 0 : std::sqrt(squares.second / squares.first);
    if (!std::isfinite(change))
      throw Error(
          ErrorCode::kNotConverged, "NOT_CONVERGED",
          "the inversion left the finite numbers in iteration " + std::to_string(iteration));
    on_iteration(iteration, change);
    bool const converged = change == 0 || (iteration >= 5 && change < tolerance);
    if (converged || iteration >= most) return {iteration, converged};
  }
}

}  // namespace qsm
