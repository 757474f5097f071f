/// Coil combination that keeps phase (MCPC-3D-S, Eckstein 2018), coil by coil and echo by echo.
#pragma once

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

/// H = sum_c S_{c,2} conj(S_{c,1}); the coils' own offsets cancel.
Spectrum hermitian_inner_product(std::vector<Spectrum> const& echo1,
                                 std::vector<Spectrum> const& echo2);

/// (G * x) with the separable truncated Gaussian exp(-o^2 / 2 sigma^2), |o| <= ceil(3 sigma) voxels
/// per axis, zero outside the volume, not normalised.
Spectrum gaussian_sum(Spectrum const& x, Vector sigma_voxels);

/// The same divided by G * mask for x = 0 outside the mask: normalised convolution.
Spectrum gaussian_mean(Spectrum const& x, Mask const& mask, Vector sigma_voxels);

/// p_c = arg( G * (mask |S_c1| e^{i(arg S_c1 - m phi_H)}) ), m = TE1 / (TE2 - TE1).
Real coil_offset(Spectrum const& coil_echo1, Real const& phase_difference, Mask const& mask,
                 double te1, double te2, Vector sigma_voxels);

/// S_e = sum_c |S_ce| S_ce e^{-i p_c}; the result has magnitude sqrt|S_e| and phase arg S_e.
Spectrum combine(std::vector<Spectrum> const& coils, std::vector<Real> const& offsets);

}  // namespace qsm::oracle
