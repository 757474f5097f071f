/// Field from unwrapped echoes: weighted straight line with intercept, in closed form per voxel.
///
///   phi_e = phi_0 + 2 pi f TE_e + r_e,   weights m_e^2 (the inverse variance of a phase)
///   S = sum m^2, Sx = sum m^2 TE, Sxx = sum m^2 TE^2, D = S Sxx - Sx^2
///   2 pi f = (S Sxy - Sx Sy) / D,   sigma(2 pi f) = sigma_n sqrt(S / D)
///
/// Two echoes: the line passes through both and the residual is zero. One echo, or voxels where
/// only one echo has signal (D < 1e-6 S Sxx): through the origin, f = Sxy / (2 pi Sxx), phi_0 = 0,
/// sigma(2 pi f) = sigma_n / sqrt(Sxx).
///
/// With a known offset map only f is fitted: 2 pi f = (Sxy - phi_0 Sx) / Sxx, sigma = sigma_n /
/// sqrt(Sxx): about half the noise of the free line (echo times 4 .. 28 ms: a third to a half), and
/// one more degree of freedom to tell bad voxels by.
#pragma once

#include <cstdint>
#include <vector>

#include "phase/echo_fit.hpp"

namespace qsm {

/// `phases` unwrapped [rad], `magnitudes` in any common unit, one field per echo (at most 32); a
/// non-finite sample, or one with magnitude <= 0, has no weight. te_s strictly increasing,
/// positive. Cost: one pass over 2 E volumes, one sort for the noise. Throws
/// Error{kInvalidArgument}: ECHO_COUNT, ECHO_TIMES, EMPTY_MASK.
template <class Device>
FitSummary linear_fit(Device const& device, std::vector<Field<float const>> const& phases,
                      std::vector<Field<float const>> const& magnitudes,
                      std::vector<double> const& te_s, Field<std::uint8_t const> mask,
                      EchoFitFields const& out, Field<float const> known_offset_rad = {});

}  // namespace qsm
