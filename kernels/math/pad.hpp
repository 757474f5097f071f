/// Working boxes: the part of a volume that matters, at the origin of a grid that is larger and
/// fast to transform. Where the data stand in a periodic grid makes no difference to a convolution.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "device/error.hpp"
#include "device/field.hpp"
#include "device/reduce.hpp"
#include "math/finite.hpp"

namespace qsm {

/// A box of voxels of a larger volume.
struct Window {
  Index3 origin;
  Grid grid;
};

QSM_HD Index3 operator+(Index3 a, Index3 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
QSM_HD Index3 operator-(Index3 a, Index3 b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}

inline Window whole(Grid grid) {
  return {{}, grid};
}

inline Grid fastest_grid(Grid g) {
  return {fastest_size(g.nx), fastest_size(g.ny), fastest_size(g.nz)};
}

/// For real transforms, whose lines along x FFTW takes apart into halves: an even nx. On two
/// threads 125 x 160 x 112 took 77 ms and 126 x 160 x 112 took 9.
inline Grid fast_real_grid(Grid g) {
  return {2 * fast_size((g.nx + 1) / 2), fast_size(g.ny), fast_size(g.nz)};
}

namespace detail {

/// Index along `axis` counted from the low (sign -1) or the high (+1) end; -infinity off the mask.
struct MaskedCoordinate {
  Field<std::uint8_t const> mask;
  int axis;
  double sign;
  QSM_HD double operator()(Index3 i) const {
    int const c = axis == 0 ? i.x : axis == 1 ? i.y : i.z;
    return mask[i] ? sign * c : -1e30;
  }
};

}  // namespace detail

/// The smallest box that holds the mask. Six reductions. Throws Error{kInvalidArgument,
/// "EMPTY_MASK"}.
template <class Device>
Window bounding_window(Device const& device, Field<std::uint8_t const> mask) {
  int low[3], extent[3];
  for (int axis = 0; axis < 3; ++axis) {
    double const first = -max_over(device, mask.grid, detail::MaskedCoordinate{mask, axis, -1.0});
    double const last = max_over(device, mask.grid, detail::MaskedCoordinate{mask, axis, 1.0});
    require(last >= 0, "EMPTY_MASK", "the mask holds no voxel");
    low[axis] = static_cast<int>(first);
    extent[axis] = static_cast<int>(last - first) + 1;
  }
  return {{low[0], low[1], low[2]}, {extent[0], extent[1], extent[2]}};
}

/// The periodic problem an inversion solves: `window` of the volume, on `grid`.
struct PaddedProblem {
  Window window;
  Grid grid;
};

/// pad_voxels >= 0: the whole volume and exactly so many voxels more per axis. -1: the mask's
/// bounding box and max(8, 20 %) voxels more, rounded up to the fastest sizes: the periodic images
/// of the mask are what padding keeps apart, so air around the head counts as padding.
template <class Device>
PaddedProblem pad_for_inversion(Device const& device, Field<std::uint8_t const> mask,
                                int pad_voxels) {
  require(pad_voxels >= -1, "INVALID_OPTION",
          "pad_voxels is " + std::to_string(pad_voxels) + "; it must be -1 or more");
  Window const box = bounding_window(device, mask);
  auto const add = [](Grid g, auto pad) {
    return Grid{g.nx + pad(g.nx), g.ny + pad(g.ny), g.nz + pad(g.nz)};
  };
  if (pad_voxels >= 0) return {whole(mask.grid), add(mask.grid, [=](int) { return pad_voxels; })};
  auto const fifth = [](int n) { return std::max(8, (n + 4) / 5); };
  return {box, fastest_grid(add(box.grid, fifth))};
}

/// to[i] = from[i + origin] inside the window, 0 beyond it.
template <class T>
struct Embed {
  Field<T const> from;
  Window window;
  Field<T> to;
  QSM_HD void operator()(Index3 i) const {
    to[i] = window.grid.contains(i) ? from[i + window.origin] : T{};
  }
};

/// The same where the mask is set, and what is finite; 0 elsewhere.
struct EmbedMasked {
  Field<float const> from;
  Field<std::uint8_t const> mask;
  Window window;
  Field<float> to;
  QSM_HD void operator()(Index3 i) const {
    Index3 const n = i + window.origin;
    to[i] = window.grid.contains(i) && mask[n] ? finite_or_zero(from[n]) : 0.0f;
  }
};

}  // namespace qsm
