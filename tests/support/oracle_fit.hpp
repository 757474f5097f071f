/// Weighted straight line through the echoes of one voxel, by the normal equations.
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

}  // namespace qsm::oracle
