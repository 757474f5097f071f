/// Sizes and indices of volumes. x is the fastest axis everywhere: linear = x + nx (y + ny z).
#pragma once

#include <cstddef>
#include <initializer_list>

#if defined(__CUDACC__)
#define QSM_HD __host__ __device__ inline
#else
#define QSM_HD inline
#endif

namespace qsm {

struct Index3 {
  int x = 0, y = 0, z = 0;
};

/// An index whose neighbours along x are in the same row, not around the border. A point kernel
/// whose call is a template is given these wherever it can be: without a test per voxel the row
/// loop is vectorised.
struct InnerIndex3 : Index3 {};

struct Grid {
  int nx = 0, ny = 0, nz = 0;

  QSM_HD std::size_t size() const {
    return static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny) *
           static_cast<std::size_t>(nz);
  }
  QSM_HD std::size_t linear(Index3 i) const {
    return static_cast<std::size_t>(i.x) +
           static_cast<std::size_t>(nx) *
               (static_cast<std::size_t>(i.y) +
                static_cast<std::size_t>(ny) * static_cast<std::size_t>(i.z));
  }
  QSM_HD Index3 index(std::size_t n) const {
    auto const row = n / static_cast<std::size_t>(nx);
    return {static_cast<int>(n % static_cast<std::size_t>(nx)),
            static_cast<int>(row % static_cast<std::size_t>(ny)),
            static_cast<int>(row / static_cast<std::size_t>(ny))};
  }
  QSM_HD bool contains(Index3 i) const {
    return i.x >= 0 && i.y >= 0 && i.z >= 0 && i.x < nx && i.y < ny && i.z < nz;
  }
  QSM_HD int extent(int axis) const { return axis == 0 ? nx : axis == 1 ? ny : nz; }
  QSM_HD bool operator==(Grid const& o) const { return nx == o.nx && ny == o.ny && nz == o.nz; }
};

/// The half spectrum of a real volume: kx = 0 .. nx/2.
QSM_HD Grid half_grid(Grid g) { return {g.nx / 2 + 1, g.ny, g.nz}; }

/// The smallest 2^a 3^b 5^c 7^d that is at least n: the sizes both FFT libraries are fast at.
inline int fast_size(int n) {
  for (;; ++n) {
    int rest = n;
    for (int p : {2, 3, 5, 7})
      while (rest % p == 0) rest /= p;
    if (rest == 1) return n;
  }
}

/// The smallest even one of them without a factor 7, for many complex transforms of one size: over
/// heads of all sizes 8 % more voxels and, with FFTW on two threads, a fifth less time
/// (150 x 189 x 135: 44 ms, 150 x 192 x 144: 30).
inline int fastest_size(int n) {
  int size = fast_size(n);
  while (size % 2 != 0 || size % 7 == 0) size = fast_size(size + 1);
  return size;
}

}  // namespace qsm
