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

/// conj V, V = sum_c S_c e^{-i arg S_c(r)}: the virtual coil all others are referred to, and the
/// voxel r at which the weakest coil is strongest (the first such in memory).
Spectrum virtual_reference(std::vector<Spectrum> const& coils, std::size_t& voxel);

/// arg( G * (S conj V) ) for a coil S.
Real offset_to(Spectrum const& reference_conjugate, Spectrum const& coil, Vector sigma_voxels);

/// What three echoes say about an alternating readout, phi_1 + phi_3 - k phi_2 as a phasor weighted by
/// |S_1| |S_3| inside the mask, smoothed, and again what is left of it, `passes` times in all.
Real bipolar_residual(std::vector<Spectrum> const& echoes, Mask const& mask, double k,
                      Vector sigma_voxels, int passes);

/// S_e = sum_c |S_ce| S_ce e^{-i p_c}; the result has magnitude sqrt|S_e| and phase arg S_e.
Spectrum combine(std::vector<Spectrum> const& coils, std::vector<Real> const& offsets);

}  // namespace qsm::oracle
