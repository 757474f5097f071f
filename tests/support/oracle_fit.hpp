/// The echoes of one voxel: weighted straight line by the normal equations, and the phasors' fit by
/// search.
#pragma once

#include <vector>

namespace qsm::oracle {

struct Line {
  double slope = 0;           // rad/s = 2 pi f
  double intercept = 0;       // rad
  double slope_variance = 0;  // for unit noise variance: S / det
  double residual = 0;        // sqrt( sum w r^2 / sum w ) [rad]
};

/// min sum_e w_e (phi_e - intercept - slope TE_e)^2; the system must not be singular.
Line fit_line(std::vector<double> const& te, std::vector<double> const& phi,
              std::vector<double> const& weight);

/// The same through the origin: slope = sum w TE phi / sum w TE^2.
Line fit_through_origin(std::vector<double> const& te, std::vector<double> const& phi,
                        std::vector<double> const& weight);

/// min sum_e w_e (1 - cos(phi_e - intercept - slope TE_e)) within half a turn, at the last echo, of
/// `start`. For any slope the best intercept is the argument of sum w exp(i (phi - slope TE)), so
/// it is a search along one axis; the intercept is the one on the branch nearest to `start`. With
/// `fixed_intercept` it is start's. The residual is that of wrapped r.
Line fit_phasors(std::vector<double> const& te, std::vector<double> const& phi,
                 std::vector<double> const& weight, Line const& start, bool fixed_intercept);

}  // namespace qsm::oracle
