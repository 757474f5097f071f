/// Weight of each voxel's field in the inversion, and which voxels have no say at all.
///
///   w = min( sqrt(sum_e m_e^2 TE_e^2) / P99, sqrt(0.999) )   ~ 1 / sigma(f), the inverse noise
///
/// The percentile, not the maximum, sets the scale, so one inflowing vessel does not. The bound
/// keeps w^2 below the penalty of the nonlinear solvers, on which their convergence rests.
///
/// A few wrong voxels cost more than many noisy ones: the dipole kernel spreads each over the
/// volume. Weight zero goes to a voxel
///  (1) whose echoes do not lie on a line: the residual exceeds both `residual_sigmas` times what
///      the noise explains and `residual_min_rad`; or it exceeds `residual_max_rad` by itself. No fixed
///      share of the voxels is dropped: a perfect scan keeps all of them.
///  (2) whose field leaps: it lies outside the middle 40 % of its mask neighbours (26) by more than
///      `leap_turns` turns at the last echo and by more than `leap_sigmas` times the width of that
///      middle (one sigma where only noise differs) and the noise. Within half a turn of its
///      neighbours a voxel's phase is consistent with them; beyond, it cannot be told from a
///      wrapping error. On a gradient the middle contains the voxel, at a face of the mask too, and
///      it stands up to eight wrong voxels among the 26.
///  (3) that has no signal or no finite field;
///  (4) whose phase fits its neighbours' so badly, wraps left aside, that its quality (ROMEO's)
///      is below `min_quality`. The one rule that judges a single echo.
#pragma once

#include <cstdint>
#include <vector>

#include "device/field.hpp"

namespace qsm {

struct ReliabilityOptions {
  double residual_sigmas = 5;     // misfit in units of its expected value
  double residual_min_rad = 0.2;  // below this a misfit is harmless, however small the noise
  double residual_max_rad = 0.7;  // beyond this no noise level excuses it
  double leap_turns = 0.5;        // step away from the neighbours, in turns at the last echo
  double leap_sigmas = 3;         // the same step in units of the neighbours' spread and the noise
  double min_quality = 0;         // of the phase, 0 .. 1; noise alone has 0.2 to 0.4; 0: no rule
};

struct ReliabilityCounts {
  std::size_t mask_voxels = 0;
  std::size_t excluded = 0;  // in the mask, given weight 0
  std::size_t misfits = 0;   // of these by rules (1) and (4)
  std::size_t leaps = 0;     // by rule (2) alone
};

/// What the fit over the echoes says about the field (phase/linear_fit.hpp).
struct FieldEstimate {
  Field<float const> field_hz;
  Field<float const> noise_hz;
  Field<float const> residual_rad;
  double noise_sigma = 1;          // in units of the magnitudes
  bool noise_is_absolute = false;  // false: only residual_max_rad is applied in rule (1)
  int freedom = 0;                 // of the residual: echoes less fitted parameters
  Field<float const> quality;      // of the phase; may be empty: good everywhere
};

/// `weight` in [0, sqrt(0.999)], zero outside the mask. Magnitudes: one field per echo.
/// Cost: one pass over E volumes; one neighbourhood pass, whose sort is reached by few voxels.
/// Throws Error{kInvalidArgument}: EMPTY_MASK (also when no voxel is reliable), ECHO_COUNT.
template <class Device>
ReliabilityCounts data_weight(Device const& device,
                              std::vector<Field<float const>> const& magnitudes,
                              std::vector<double> const& te_s, FieldEstimate const& estimate,
                              Field<std::uint8_t const> mask, ReliabilityOptions const& options,
                              Field<float> weight);

}  // namespace qsm
