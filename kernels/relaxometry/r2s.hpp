/// Effective transverse relaxation rate R2* [1/s] and M0 from the magnitudes of several echoes.
///
///   arlo         closed form for equidistant echoes, 3 or more (relaxometry/decay.hpp). Biased by
///                Simpson's rule: below 0.5 % for R2* dTE < 1. The steadiest against noise.
///   log-linear   weighted line through the logarithms; any echo times, 2 or more. Exact without
///                noise; the logarithm favours low rates where late echoes are noise.
///   nonlinear    min sum (m_e - sqrt(A_e^2 + s^2))^2, A_e = M0 exp(-R2* TE_e), by
///                Levenberg-Marquardt (20 steps at most) from one of the above. s is the noise
///                floor of the magnitudes, so that late echoes may level out.
///   auto         arlo where it applies, else log-linear
///
/// Pei et al., Magn Reson Med 2015;73:843-850, doi:10.1002/mrm.25137 (ARLO).
#pragma once

#include <cstdint>
#include <vector>

#include "device/field.hpp"

namespace qsm {

enum class R2sMethod { kAuto, kArlo, kLogLinear, kNonlinear };

struct R2sOptions {
  R2sMethod method = R2sMethod::kAuto;
  double noise_floor = 0;  // s, in units of the magnitudes; of `nonlinear` only
};

struct R2sFields {
  Field<float> r2s_per_s;  // 0 .. 500
  Field<float> m0;         // in units of the magnitudes; empty: not wanted
};

/// The spacing [s] of echoes that are equidistant to 1 % of it (three or more), else 0.
double echo_spacing_s(std::vector<double> const& te_s);

/// What `method` comes to with these echoes. Throws Error{kInvalidArgument}: ECHO_TIMES (not
/// positive and increasing), ECHO_COUNT (fewer than 2, than 3 with arlo, or more than 32),
/// NOT_EQUIDISTANT (arlo).
R2sMethod resolve(R2sMethod method, std::vector<double> const& te_s);

/// Zero outside the mask and where fewer than two echoes have signal; finite everywhere. A sample
/// that is not finite or <= 0 is left out; a rate that is not finite becomes 0. Cost: one pass over
/// E volumes; one or two exponentials (equidistant) per voxel with arlo, E logarithms with
/// log-linear. Throws Error{kInvalidArgument} as resolve(), and EMPTY_MASK.
template <class Device>
void fit_r2s(Device const& device, std::vector<Field<float const>> const& magnitudes,
             std::vector<double> const& te_s, Field<std::uint8_t const> mask,
             R2sOptions const& options, R2sFields const& out);

}  // namespace qsm
