/// Removes what an alternating readout leaves between odd and even echoes.
///
/// Echoes read in opposite directions carry an extra phase beta(x) on the even ones (eddy currents,
/// gradient delays; nearly a ramp along the readout). MCPC-3D-S on echoes 1 and 2 then leaves m
/// beta on odd and (m + 1) beta on even echoes, m = TE_1 / (TE_2 - TE_1). The combination
///
///   a = phi_1 + phi_3 - k phi_2,   k = (TE_1 + TE_3) / TE_2
///
/// is free of the object's phase and equals g beta with g = (2 - k) m - k. It is smoothed as a
/// phasor, unwrapped by the caller, and beta = a / g taken off every echo.
///   (Eckstein, PhD thesis, Vienna 2021; constants derived from the model above.)
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "device/buffer.hpp"
#include "math/vec.hpp"

namespace qsm {

/// Combined echoes of one grid, in the order of their times.
struct CombinedPhases {
  std::vector<Field<float const>> magnitude;
  std::vector<Field<float>> phase_rad;
};

struct BipolarModel {
  double k = 0;  // (TE_1 + TE_3) / TE_2
  double m = 0;  // TE_1 / (TE_2 - TE_1)
  double g = 0;  // a = g beta

  bool k_is_whole() const { return std::abs(k - std::rint(k)) < 0.01; }
};

/// Throws Error{kInvalidArgument}: TOO_FEW_ECHOES (< 3), BIPOLAR_ECHO_TIMES where |g| < 0.1 and a
/// says nothing about beta.
BipolarModel bipolar_model(std::vector<double> const& te_s);

/// Whether bipolar_model() would answer.
bool shows_bipolar(std::vector<double> const& te_s);

/// a [rad, wrapped], smoothed by a Gaussian of sigma_mm and weighted by the signal; zero outside
/// the mask. `second_rad` is the second echo's phase, which counts k times: where k is not whole
/// the caller must have unwrapped it. Cost: three complex smoothings.
template <class Device>
void bipolar_residual(Device const& device, Vec3d voxel_mm, BipolarModel const& model,
                      CombinedPhases const& echoes, Field<float const> second_rad,
                      Field<std::uint8_t const> mask, double sigma_mm, Field<float> residual_rad);

/// Takes m beta off odd and (m + 1) beta off even echoes inside the mask; phases come out wrapped.
/// `residual_rad` is unwrapped up to whole turns common to the mask, and a turn would part odd from
/// even echoes: those are chosen that bring its mean nearest to zero. Where k is not whole, the
/// turns of the second echo make the mean mean nothing, and it is taken to be zero.
template <class Device>
void remove_bipolar(Device const& device, BipolarModel const& model,
                    Field<float const> residual_rad, Field<std::uint8_t const> mask,
                    CombinedPhases const& echoes);

}  // namespace qsm
