#include "math/dct.hpp"

#include <cmath>
#include <numbers>

#include "device/launch.hpp"

namespace qsm {
namespace {

// v[m] = x[even_odd(m)]: even samples forward, then odd ones backward.
QSM_HD int even_odd(int m, int n) {
  return 2 * m < n ? 2 * m : 2 * (n - m) - 1;
}
// x[k] = v[rank(k)], its inverse.
QSM_HD int rank(int k, int n) {
  return k % 2 == 0 ? k / 2 : n - 1 - k / 2;
}

struct Reorder {
  Field<Complex const> in;
  Field<Complex> out;
  QSM_HD void operator()(Index3 i) const {
    Grid const g = in.grid;
    out[i] = in[{even_odd(i.x, g.nx), even_odd(i.y, g.ny), even_odd(i.z, g.nz)}];
  }
};

struct UndoReorder {
  Field<Complex const> in;
  Field<Complex> out;
  QSM_HD void operator()(Index3 i) const {
    Grid const g = in.grid;
    out[i] = in[{rank(i.x, g.nx), rank(i.y, g.ny), rank(i.z, g.nz)}];
  }
};

/// The two terms of one axis: here * value(k) + there * value(N - k).
struct Pair {
  int mirror;  // N - k, modulo N
  Complex here, there;
};

/// C[k] = 1/2 (w V[k] + conj(w) V[N-k]) along the three axes, or its inverse.
struct Recombine {
  Field<Complex const> in;
  Complex const* turn_x;
  Complex const* turn_y;
  Complex const* turn_z;
  bool inverse;
  float scale;
  Field<Complex> out;

  QSM_HD void operator()(Index3 k) const {
    Grid const g = in.grid;
    Pair const x = pair(turn_x, k.x, g.nx);
    Pair const y = pair(turn_y, k.y, g.ny);
    Pair const z = pair(turn_z, k.z, g.nz);
    Complex const low = y.here * along_x(k, k.y, k.z, x) + y.there * along_x(k, y.mirror, k.z, x);
    Complex const high =
        y.here * along_x(k, k.y, z.mirror, x) + y.there * along_x(k, y.mirror, z.mirror, x);
    out[k] = scale * (z.here * low + z.there * high);
  }
  QSM_HD Complex along_x(Index3 k, int y, int z, Pair x) const {
    return x.here * in[{k.x, y, z}] + x.there * in[{x.mirror, y, z}];
  }
  QSM_HD Pair pair(Complex const* turn, int k, int n) const {
    int const mirror = k == 0 ? 0 : n - k;
    Complex const w = turn[k];
    if (!inverse) return {mirror, 0.5f * w, 0.5f * conj(w)};
    if (k == 0) return {mirror, {1, 0}, {0, 0}};
    return {mirror, conj(w), {-w.im, -w.re}};  // -i conj(w)
  }
};

std::vector<Complex> quarter_turns(int n) {
  std::vector<Complex> turns;
  for (int k = 0; k < n; ++k) {
    double const angle = -std::numbers::pi * k / (2.0 * n);
    turns.push_back({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
  }
  return turns;
}

}  // namespace

template <class Device>
Dct<Device>::Dct(Device const& device, Grid grid)
    : device_(device), grid_(grid), fft_(device, grid), work_(device, grid) {
  for (int axis : {0, 1, 2})
    turn_[axis] = Buffer<Device, Complex>(device, {grid.extent(axis), 1, 1},
                                          quarter_turns(grid.extent(axis)));
}

template <class Device>
void Dct<Device>::forward(Field<Complex> data) {
  for_each_voxel(device_, grid_, Reorder{data, work_.field()});
  fft_.forward(work_.field());
  for_each_voxel(device_, grid_,
                 Recombine{.in = work_.view(),
                           .turn_x = turn_[0].view().data,
                           .turn_y = turn_[1].view().data,
                           .turn_z = turn_[2].view().data,
                           .inverse = false,
                           .scale = 1,
                           .out = data});
}

template <class Device>
void Dct<Device>::inverse(Field<Complex> data) {
  for_each_voxel(device_, grid_,
                 Recombine{.in = data,
                           .turn_x = turn_[0].view().data,
                           .turn_y = turn_[1].view().data,
                           .turn_z = turn_[2].view().data,
                           .inverse = true,
                           .scale = fft_.scale(),
                           .out = work_.field()});
  fft_.inverse(work_.field());
  for_each_voxel(device_, grid_, UndoReorder{work_.view(), data});
}

template class Dct<ThisDevice>;

}  // namespace qsm
