/// Dipole inversions that minimise a functional: a data term and a prior.
///
///   min_x  sum_n f_n((D x)_n - phi_n)  +  alpha R(x)
///
/// x = c chi and phi = c local_field in radians. The data term f (misfit.hpp) is by default the
/// noise model of a complex signal of which only the phase is left, W (1 - cos): a voxel with a
/// wrong phase pulls with at most W. The prior R:
///
///   kTv      |grad x|_1, nonlinear TV (FANSI; Milovic et al. 2018 MRM 80:814); with an image's
///   edges
///            across which it is not charged (edges.hpp), the functional of MEDI (Liu et al. 2012
///            NeuroImage 59:2560, 2013 MRM 69:467), here solved by the same exact splitting instead
///            of Gauss-Newton steps with a smoothed norm
///   kTgv     min_v |grad x - v|_1 + 2 |sym grad v|_1: slopes cost nothing (tgv_step.hpp)
///   kWeakHarmonic   that of kTv, and the data are those of D x + h, h a field left over from the
///            background, harmonic where the map is (harmonic_step.hpp)
///
/// Departures from the papers, each for a reason: the per-voxel equations are solved in closed form
/// or by steps that converge from where they begin (math/prox.hpp), because the plain Newton step
/// diverges where W = mu2 and the misfit nears pi; the first iterations use the linearised data
/// term, because the others have minima 2 pi apart; the weights stay below mu2, which makes that
/// equation's root unique.
#pragma once

#include <cstdint>
#include <numbers>
#include <vector>

#include "device/control.hpp"
#include "device/field.hpp"
#include "inversion/misfit.hpp"
#include "math/vec.hpp"

namespace qsm {

enum class Prior { kTv, kTgv, kWeakHarmonic };

/// How alpha is found: as VariationalOptions::alpha says, or from the data (choose_alpha.hpp).
enum class AlphaRule { kFixed, kNoise, kEqualise, kLCurve, kDiscrepancy };

struct VariationalOptions {
  Misfit misfit = Misfit::kPhase;
  Prior prior = Prior::kTv;
  /// HD-QSM (Lambert et al. 2022 MRM, doi 10.1002/mrm.29218): a first solve with the absolute
  /// misfit says how far every voxel is off the model; the second weighs it down by that. `misfit`
  /// is then that of the second.
  bool discount_misfit = false;
  /// Below this difference between neighbours [ppm] the prior is quadratic (Huber's function): what
  /// is smaller is smoothed, not flattened. 0: nowhere.
  double rounding_ppm = 0;
  /// Weight rho of |x|^2 / 2, in units of the data term's: rho = ridge mean(W). Takes streaks from
  /// the map and a share of the contrast with them. 0: none.
  double ridge = 0;
  AlphaRule alpha_rule = AlphaRule::kFixed;
  /// Weight of the prior for x in radians, belonging to the phase scale c of the call: the same map
  /// from another scale c' needs alpha c' / c, so report the two together. 0: 2.5e-4 ppm times c
  /// times the mean of W over the mask, so that a weight dimmed as a whole (bright scalp beside the
  /// coils) does not smooth the map; a noise-free field wants a fifth of it. With an absolute
  /// misfit a pure number, 0: 0.03 times the mean of w. Not read by the noise's rule; where the
  /// searches start.
  double alpha = 0;
  /// Penalty of z1 = grad x; gradients are cut at alpha / mu1. 0: 400 alpha / c, which is the usual
  /// 100 alpha at 4 rad/ppm and gives the same iterates at every scale, as (c, alpha) do.
  double mu1 = 0;
  /// Standard deviation of the field's noise [ppm], for AlphaRule::kDiscrepancy; 0: as on the cone.
  double noise_ppm = 0;
  double mu2 = 1;  // penalty of z2 = D x
  /// Over-relaxation of both splittings, 1 (none) .. 1.95 (Eckstein and Bertsekas 1992 Math Program
  /// 55:293): 80 iterations with 1.8 end where 150 without it do (docs/algorithms.md).
  double relaxation = 1.8;
  int max_iterations = 0;   // 0: as many as the prior takes, default_iterations()
  double tolerance = 1e-3;  // stop at |x - x_previous| / |x| below this, after 5 iterations
  int linear_iterations = 10;
  /// -1: the mask's bounding box plus max(8, 20 %) voxels per axis, up to the next size that is
  /// fast to transform; n >= 0: the whole volume plus exactly n voxels, which reproduces other
  /// programs.
  int pad_voxels = -1;
  /// Gradients weighted by mean spacing / spacing; false ignores anisotropy as FANSI does.
  bool scale_gradients = true;
  /// The phase scale is lowered, and alpha with it, until 99.5 % of |phi| are below this [rad]; 0:
  /// never. Coherent phase beyond pi only adds wrong minima.
  double phase_limit = 0.9 * std::numbers::pi;
};

/// One short solve of a rule that looks at maps; 0 where the rule did not ask.
struct AlphaTrial {
  double alpha = 0;      // [rad]
  double balance = 0;    // A2 / A3 of its map
  double misfit = 0;     // sum W (1 - cos(D x - phi))
  double variation = 0;  // |grad x|_1
  int iterations = 0;
};

struct InversionReport {
  int iterations = 0;
  bool converged = false;         // the tolerance was met
  double change = 0;              // last |x - x_previous| / |x|
  std::vector<double> residuals;  // that, per iteration
  double phase_scale = 0;         // rad/ppm, after phase_limit
  double alpha = 0;               // belonging to it
  double mu1 = 0;
  double noise_ppm = 0;                  // of the field, where the rule asked for it
  std::vector<AlphaTrial> alpha_trials;  // of the rules that look at maps
  Grid working_grid;                     // of the padded problem
};

/// `phase_scale_rad_per_ppm`: 2 pi 42.577478518 B0[T] TE[s], TE the effective echo time.
/// `b0_direction`: in voxel axes, any length. `weight`: w in [0, 1], proportional to 1 / phase
/// noise; empty: 1. It is zero outside `mask` and where the field or the weight is not finite.
/// `edge_image`: a magnitude, across whose edges kTv is not charged; empty: none. `chi_ppm`: zero
/// outside the mask, not referenced (math: its mean over the padded volume is zero). Where
/// max_iterations end the loop the map is returned with converged = false.
///
/// Cost per iteration of kTv: two complex transforms of the padded volume, each of a packed pair of
/// real volumes, and the passes of tv_step.hpp, about 84 bytes per voxel; 10 floats per padded
/// voxel are held beside the transforms' work area. kWeakHarmonic: three transforms and 14 floats;
/// kTgv: six and 20. Nothing is allocated inside an iteration. Throws Error{kInvalidArgument}:
/// EMPTY_MASK, INVALID_OPTION, INVALID_B0_DIRECTION, NO_EDGES; Error{kNotConverged,
/// "NOT_CONVERGED"} for a map that is not finite.
template <class Device>
InversionReport invert_variational(Device const& device, Vec3d voxel_mm, Vec3d b0_direction,
                                   double phase_scale_rad_per_ppm, Field<float const> local_ppm,
                                   Field<std::uint8_t const> mask, Field<float const> weight,
                                   VariationalOptions const& options, Field<float> chi_ppm,
                                   Control const& control, Field<float const> edge_image = {});

/// 80; with a weakly harmonic background, which takes fewer, 50.
int default_iterations(Prior prior);

/// Floats per padded voxel that it holds, for an estimate of memory.
int floats_per_voxel(VariationalOptions const& options);

}  // namespace qsm
