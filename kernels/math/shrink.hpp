/// Soft thresholding and its complement: q = shrink(q, t) + clamp(q, t).
#pragma once

#include "device/grid.hpp"

namespace qsm {

/// q limited to [-t, t].
QSM_HD float clamp(float q, float t) {
  return q > t ? t : q < -t ? -t : q;
}

/// The proximal map of t |.|: sign(q) max(|q| - t, 0).
QSM_HD float shrink(float q, float t) {
  return q - clamp(q, t);
}

}  // namespace qsm
