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

QSM_HD Complex times_i(Complex v) {
  return {-v.im, v.re};
}

/// Value s = 0..7 lies at k or, where bit `axis` of s is set, at N - k (modulo N) along that axis.
struct Octet {
  Grid grid;
  Index3 k;
  Complex value[8];

  QSM_HD std::size_t at(int s) const {
    return grid.linear({s & 1 ? mirror(k.x, grid.nx) : k.x, s & 2 ? mirror(k.y, grid.ny) : k.y,
                        s & 4 ? mirror(k.z, grid.nz) : k.z});
  }
  QSM_HD static int mirror(int k, int n) { return k == 0 ? 0 : n - k; }

  QSM_HD void read(Complex const* from) {
    for (int s = 0; s < 8; ++s) value[s] = from[at(s)];
  }
  // Where k is its own mirror, the value without the bit is the right one: it is written last.
  QSM_HD void write(Complex* to) const {
    for (int s = 7; s >= 0; --s) to[at(s)] = value[s];
  }

  QSM_HD void to_cosines(int axis, Complex w) {
    int const bit = 1 << axis;
    for (int s = 0; s < 8; ++s) {
      if (s & bit) continue;
      Complex const a = w * value[s];
      Complex const b = conj(w) * value[s | bit];
      value[s] = 0.5f * (a + b);
      value[s | bit] = 0.5f * times_i(a - b);
    }
  }
  QSM_HD void from_cosines(int axis, bool first, Complex w) {
    int const bit = 1 << axis;
    for (int s = 0; s < 8; ++s) {
      if (s & bit) continue;
      Complex const a = value[s];
      Complex const b = first ? Complex{} : times_i(value[s | bit]);  // C[N] = 0
      value[s] = conj(w) * (a - b);
      value[s | bit] = w * (a + b);
    }
  }
};

struct QuarterTurns {
  Complex const* x;
  Complex const* y;
  Complex const* z;
};

QSM_HD void to_cosines(Octet& octet, QuarterTurns turn) {
  octet.to_cosines(0, turn.x[octet.k.x]);
  octet.to_cosines(1, turn.y[octet.k.y]);
  octet.to_cosines(2, turn.z[octet.k.z]);
}

QSM_HD void from_cosines(Octet& octet, QuarterTurns turn) {
  octet.from_cosines(0, octet.k.x == 0, turn.x[octet.k.x]);
  octet.from_cosines(1, octet.k.y == 0, turn.y[octet.k.y]);
  octet.from_cosines(2, octet.k.z == 0, turn.z[octet.k.z]);
}

// The kernels below run over k = 0 .. N/2 per axis, each on an octet of its own.
struct ToCosines {
  QuarterTurns turn;
  Field<Complex const> in;
  Field<Complex> out;
  QSM_HD void operator()(Index3 k) const {
    Octet octet{in.grid, k, {}};
    octet.read(in.data);
    to_cosines(octet, turn);
    octet.write(out.data);
  }
};

struct FromCosines {
  QuarterTurns turn;
  float scale;
  Field<Complex const> in;
  Field<Complex> out;
  QSM_HD void operator()(Index3 k) const {
    Octet octet{in.grid, k, {}};
    octet.read(in.data);
    for (Complex& v : octet.value) v = scale * v;
    from_cosines(octet, turn);
    octet.write(out.data);
  }
};

struct DivideCosines {
  QuarterTurns turn;
  float scale;
  float const* x;
  float const* y;
  float const* z;
  Field<Complex> spectrum;
  QSM_HD void operator()(Index3 k) const {
    Grid const g = spectrum.grid;
    Octet octet{g, k, {}};
    octet.read(spectrum.data);
    to_cosines(octet, turn);
    for (int s = 0; s < 8; ++s) {
      float const sum = x[s & 1 ? Octet::mirror(k.x, g.nx) : k.x] +
                        y[s & 2 ? Octet::mirror(k.y, g.ny) : k.y] +
                        z[s & 4 ? Octet::mirror(k.z, g.nz) : k.z];
      octet.value[s] = sum > 0 ? (scale / sum) * octet.value[s] : Complex{};
    }
    from_cosines(octet, turn);
    octet.write(spectrum.data);
  }
};

template <class Device>
QuarterTurns view(Buffer<Device, Complex> const (&turn)[3]) {
  return {turn[0].view().data, turn[1].view().data, turn[2].view().data};
}

Grid octets(Grid g) {
  return {g.nx / 2 + 1, g.ny / 2 + 1, g.nz / 2 + 1};
}

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
  for_each_voxel(device_, octets(grid_), ToCosines{view(turn_), work_.view(), data});
}

template <class Device>
void Dct<Device>::inverse(Field<Complex> data) {
  for_each_voxel(device_, octets(grid_),
                 FromCosines{view(turn_), fft_.scale(), data, work_.field()});
  fft_.inverse(work_.field());
  for_each_voxel(device_, grid_, UndoReorder{work_.view(), data});
}

template <class Device>
void Dct<Device>::divide_by_sum(Field<Complex const> in, float const* x, float const* y,
                                float const* z, Field<Complex> out) {
  for_each_voxel(device_, grid_, Reorder{in, work_.field()});
  fft_.forward(work_.field());
  for_each_voxel(device_, octets(grid_),
                 DivideCosines{.turn = view(turn_),
                               .scale = fft_.scale(),
                               .x = x,
                               .y = y,
                               .z = z,
                               .spectrum = work_.field()});
  fft_.inverse(work_.field());
  for_each_voxel(device_, grid_, UndoReorder{work_.view(), out});
}

template class Dct<ThisDevice>;

}  // namespace qsm
