/// Volumes of the oracles: plain vectors in double precision, x fastest. The oracles share no code
/// with kernels/, so that an error cannot sit on both sides of a comparison.
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <random>
#include <vector>

namespace qsm::oracle {

using Complex = std::complex<double>;
using Vector = std::array<double, 3>;

struct Size {
  int nx = 0, ny = 0, nz = 0;
  int operator[](int axis) const { return axis == 0 ? nx : axis == 1 ? ny : nz; }
};

struct Voxel {
  int i = 0, j = 0, k = 0;
  int& operator[](int axis) { return axis == 0 ? i : axis == 1 ? j : k; }
  int operator[](int axis) const { return axis == 0 ? i : axis == 1 ? j : k; }
};

template <class T>
struct Volume {
  Size size;
  std::vector<T> data;

  explicit Volume(Size s, T value = T())
      : size(s), data(static_cast<std::size_t>(s.nx) * s.ny * s.nz, value) {}

  bool contains(Voxel v) const {
    return v.i >= 0 && v.j >= 0 && v.k >= 0 && v.i < size.nx && v.j < size.ny && v.k < size.nz;
  }
  T& at(Voxel v) {
    return data[static_cast<std::size_t>(v.i) +
                static_cast<std::size_t>(size.nx) *
                    (static_cast<std::size_t>(v.j) +
                     static_cast<std::size_t>(size.ny) * static_cast<std::size_t>(v.k))];
  }
  T at(Voxel v) const { return const_cast<Volume&>(*this).at(v); }
  /// Around the border, any number of times.
  T periodic(Voxel v) const {
    for (int a = 0; a < 3; ++a) v[a] = (v[a] % size[a] + size[a]) % size[a];
    return at(v);
  }
};

using Real = Volume<double>;
using Spectrum = Volume<Complex>;
using Mask = Volume<unsigned char>;

/// Calls visit(voxel) for every voxel, x fastest.
template <class Visit>
void every_voxel(Size s, Visit visit) {
  for (int k = 0; k < s.nz; ++k)
    for (int j = 0; j < s.ny; ++j)
      for (int i = 0; i < s.nx; ++i) visit(Voxel{i, j, k});
}

/// To the nearest float: what a kernel gets to see.
inline Real rounded(Real v) {
  for (double& x : v.data) x = static_cast<double>(static_cast<float>(x));
  return v;
}

inline Real random_volume(Size s, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Real v(s);
  for (double& x : v.data) x = normal(random);
  return rounded(v);
}

inline Spectrum random_complex(Size s, unsigned seed) {
  Real const re = random_volume(s, seed), im = random_volume(s, seed + 1000);
  Spectrum v(s);
  for (std::size_t n = 0; n < v.data.size(); ++n) v.data[n] = {re.data[n], im.data[n]};
  return v;
}

/// An ellipsoid that leaves about a voxel of margin on each side, without the voxels of `holes`.
inline Mask ellipsoid(Size s, std::vector<Voxel> const& holes = {}) {
  Mask m(s);
  every_voxel(s, [&](Voxel v) {
    double r2 = 0;
    for (int a = 0; a < 3; ++a) {
      double const t = (v[a] - 0.5 * (s[a] - 1)) / (0.5 * s[a] - 0.7);
      r2 += t * t;
    }
    m.at(v) = r2 <= 1;
  });
  for (Voxel const h : holes) m.at(h) = 0;
  return m;
}

}  // namespace qsm::oracle
