/// The discrete Fourier transform by its definition, axis by axis: O(N (nx + ny + nz)).
#pragma once

#include "support/oracle_volume.hpp"

namespace qsm::oracle {

/// X[k] = sum_n x[n] exp(-2 pi i k n / N)
Spectrum dft(Spectrum const& x);
Spectrum dft(Real const& x);
/// x[n] = 1/N sum_k X[k] exp(+2 pi i k n / N)
Spectrum idft(Spectrum const& x);
Real real_part(Spectrum const& x);
Real real_idft(Spectrum const& x);

/// Signed frequency index: k for k <= (n-1)/2, else k - n.
int signed_index(int k, int n);

/// x[n] = N^{-1/2} sum_k s[k] exp(+2 pi i (k - Nc)(n - Nc)/N) per axis, Nc = floor(N/2).
Spectrum centred_unitary_idft(Spectrum const& s);

/// y = K * x for a spectral multiplier K.
Real multiply_spectrum(Real const& x, Real const& multiplier);

}  // namespace qsm::oracle
