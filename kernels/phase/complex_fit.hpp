/// Field from the complex echoes, without the wrapping errors and the heavy tails of a phase fit.
///
///   minimise over (f, phi_0)   2 sum_e m_e^2 (1 - cos r_e)  =  sum_e |S_e - m_e e^{i(..)}|^2
///   r_e = arg S_e - phi_0 - 2 pi f TE_e
///   gradient  g = sum m^2 sin(r) (1, TE),   Hessian  H = sum m^2 cos(r) (1, TE)(1, TE)^T
///
/// Newton from the straight line (phase/linear_fit.hpp), whose whole turns it keeps, so that the
/// unwrapped phases decide the branch and nothing else. cos r <= 1 makes sum m^2 (1, TE)(1, TE)^T a
/// majorant of H everywhere: the step with that matrix never raises the cost, and it is taken where
/// H is not safely positive definite. A Newton step that raises the cost is halved until it does
/// not. Ends when a step moves no echo by 1e-4 rad, or after 30. An echo that is off by r pulls with
/// sin r instead of r, and not at all when a whole turn off, unless it had the leverage to drag the
/// start along.
///
/// Liu et al., Magn Reson Med 2013;69:467-476, doi:10.1002/mrm.24272 (the model).
#pragma once

#include <cstdint>
#include <vector>

#include "phase/echo_fit.hpp"

namespace qsm {

/// As linear_fit, in arguments, results, special cases and errors; r in residual_rad and for the
/// noise is in [-pi, pi], and noise_hz the Cramer-Rao bound at small r, sigma_n sqrt(S / D) / 2 pi.
/// Cost: one pass over 2 E volumes with, per voxel of the mask, one sine and cosine per echo and
/// step (one step where the signal-to-noise ratio exceeds about 10); one sort for the noise.
template <class Device>
FitSummary complex_fit(Device const& device, std::vector<Field<float const>> const& phases,
                       std::vector<Field<float const>> const& magnitudes,
                       std::vector<double> const& te_s, Field<std::uint8_t const> mask,
                       EchoFitFields const& out, Field<float const> known_offset_rad = {});

}  // namespace qsm
