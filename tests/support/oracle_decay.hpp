/// Mono-exponential decays of one voxel: m_e = m0 exp(-rate te_e).
#pragma once

#include <vector>

namespace qsm::oracle {

struct DecayFit {
  double rate = 0;  // [1/s]
  double m0 = 0;
};

/// ARLO as published, for T2*: with I_i = integral of the decay over three equidistant echoes
/// (Simpson) and d_i = m_i - m_{i+2},
///   T2* = ( sum I_i^2 + dTE/3 sum I_i d_i ) / ( dTE/3 sum d_i^2 + sum I_i d_i )
double arlo_rate(std::vector<double> const& te, std::vector<double> const& m);

/// Weighted line through the logarithms, weights m^2.
DecayFit log_linear_decay(std::vector<double> const& te, std::vector<double> const& m);

/// min over (m0, rate) of sum ( m_e - sqrt( (m0 exp(-rate te_e))^2 + floor^2 ) )^2, rate in
/// [0, 500]: nested golden-section searches.
DecayFit least_squares_decay(std::vector<double> const& te, std::vector<double> const& m,
                             double floor);

}  // namespace qsm::oracle
