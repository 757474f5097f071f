/// A filter of a complex volume that holds two real ones, a + i b, which are told apart by the
/// spectrum at k and at -k.
///
///   void filter_pairs(device, fft, data, kernel)
///   kernel(Index3 k, Complex& at, Complex& mirror)    once for every pair, k in the half spectrum,
///   with the spectrum's values at k and at -k. The inverse is not normalised. Where k is its own
///   mirror both are the same value, or hold it each.
#pragma once

#include "device/fft.hpp"
#include "device/launch.hpp"

namespace qsm {

template <class F>
void filter_pairs(Cpu const&, ComplexFft<Cpu> const& fft, Field<Complex> data, F const kernel) {
  int const nz = data.grid.nz;
  fft.filter(data, [=](PairTile const& tile) {
    constexpr int kRow = 2 * PairTile::kPairs;
    F const local = kernel;
    for (int kz = 0; kz < nz; ++kz) {
      Complex* const at = tile.columns + kRow * kz;
      Complex* const mirror = tile.mirrors + kRow * (kz == 0 ? 0 : nz - kz);
      Index3 const first = {tile.first.x, tile.first.y, kz};
      if (tile.axis == 0 && tile.pairs == PairTile::kPairs) {
#pragma omp simd
        for (int j = 0; j < PairTile::kPairs; ++j)
          local(Index3{first.x + j, first.y, kz}, at[j], mirror[j]);
      } else {
        for (int j = 0; j < tile.pairs; ++j)
          local(
              tile.axis == 0 ? Index3{first.x + j, first.y, kz} : Index3{first.x, first.y + j, kz},
              at[j], mirror[j]);
      }
    }
  });
}

namespace detail {

/// Calls kernel(k, where k is, where -k is) once for every pair.
template <class F>
struct OnPair {
  F kernel;
  Grid grid;
  QSM_HD void operator()(Index3 k) const {
    Index3 const m = {k.x == 0 ? 0 : grid.nx - k.x, k.y == 0 ? 0 : grid.ny - k.y,
                      k.z == 0 ? 0 : grid.nz - k.z};
    std::size_t const at = grid.linear(k), mirror = grid.linear(m);
    if (m.x == k.x && mirror < at) return;  // on kx = 0 and kx = nx/2 the smaller of the two owns
    kernel(k, at, mirror);
  }
};

template <class F>
struct OnPairOfVolume {
  F kernel;
  Field<Complex> data;
  QSM_HD void operator()(Index3 k, std::size_t at, std::size_t mirror) const {
    kernel(k, data.data[at], data.data[mirror]);
  }
};

}  // namespace detail

/// For kernels that look at several spectra at once: kernel(Index3 k, std::size_t at, std::size_t
/// mirror), the places of k and -k in a full spectrum of `grid`.
template <class Device, class F>
void for_each_pair(Device const& device, Grid grid, F const kernel) {
  for_each_voxel(device, half_grid(grid), detail::OnPair<F>{kernel, grid});
}

#if defined(__CUDACC__)

template <class F>
void filter_pairs(Cuda const& device, ComplexFft<Cuda> const& fft, Field<Complex> data,
                  F const kernel) {
  fft.forward(data);
  for_each_pair(device, data.grid, detail::OnPairOfVolume<F>{kernel, data});
  fft.inverse(data);
}

#endif

}  // namespace qsm
