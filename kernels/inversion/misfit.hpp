/// The data terms of the variational inversions, and their proximal maps per voxel.
///
///   kPhase          W (1 - cos(z - phi))              the noise model of a phase (Milovic 2018)
///   kQuadratic      (W / 2) (z - phi)^2               its linearisation
///   kAbsolutePhase  w |exp(i z) - exp(i phi)| = 2 w |sin((z - phi) / 2)|
///                   a voxel pulls with at most w however wrong it is, and less the more wrong
///                   (L1-QSM, Milovic et al. 2022 MRM, doi 10.1002/mrm.28957)
///   kAbsolute       w |z - phi|                       its linearisation
///
/// W = w^2 with the weight w ~ 1 / noise. Step of the splitting z = D x:
///
///   y = argmin_y  f(v + y) + (mu2 / 2) y^2,   W, w < mu2
#pragma once

#include <type_traits>

#include "math/prox.hpp"
#include "math/shrink.hpp"
#include "math/vec.hpp"

namespace qsm {

enum class Misfit { kPhase, kQuadratic, kAbsolutePhase, kAbsolute };

/// Whether the weight counts by its square.
constexpr bool is_squared(Misfit m) {
  return m == Misfit::kPhase || m == Misfit::kQuadratic;
}

/// The convex one, to begin with: the others have minima a turn apart.
constexpr Misfit linearised(Misfit m) {
  return is_squared(m) ? Misfit::kQuadratic : Misfit::kAbsolute;
}

/// `off` = phi - v, not wrapped.
template <Misfit kMisfit>
QSM_HD float misfit_step(float weight, float off, float mu2) {
  if constexpr (kMisfit == Misfit::kPhase)
    return prox_phase(weight, wrap(off), mu2);
  else if constexpr (kMisfit == Misfit::kQuadratic)
    return weight * off / (weight + mu2);
  else if constexpr (kMisfit == Misfit::kAbsolutePhase)
    return prox_absolute_phase(weight, wrap(off), mu2);
  else
    return clamp(off, weight / mu2);
}

/// f where the model misses the phase by `off`.
QSM_HD double misfit_of(Misfit m, float weight, float off) {
  double const w = static_cast<double>(weight), d = static_cast<double>(off);
  if (m == Misfit::kPhase) return w * (1 - cos(d));
  if (m == Misfit::kQuadratic) return 0.5 * w * d * d;
  return w * fabs(m == Misfit::kAbsolute ? d : 2 * sin(d / 2));
}

/// work(std::integral_constant<Misfit, m>), so that a pass is compiled for each.
template <class Work>
auto with_misfit(Misfit m, Work work) {
  switch (m) {
    case Misfit::kQuadratic:
      return work(std::integral_constant<Misfit, Misfit::kQuadratic>{});
    case Misfit::kAbsolutePhase:
      return work(std::integral_constant<Misfit, Misfit::kAbsolutePhase>{});
    case Misfit::kAbsolute:
      return work(std::integral_constant<Misfit, Misfit::kAbsolute>{});
    default:
      return work(std::integral_constant<Misfit, Misfit::kPhase>{});
  }
}

}  // namespace qsm
