#include "support/oracle_dft.hpp"

#include <cmath>
#include <numbers>

namespace qsm::oracle {
namespace {

// y[n] = sum_m x[m] exp(sign 2 pi i (m - shift)(n - shift) / N) along one axis.
Spectrum along(Spectrum const& x, int axis, int sign, int shift) {
  int const n = x.size[axis];
  std::vector<Complex> root;  // exp(sign 2 pi i r / N)
  for (int r = 0; r < n; ++r) root.push_back(std::polar(1.0, sign * 2 * std::numbers::pi * r / n));
  Spectrum y(x.size);
  every_voxel(x.size, [&](Voxel v) {
    Complex sum = 0;
    for (int m = 0; m < n; ++m) {
      Voxel from = v;
      from[axis] = m;
      int const r = (m - shift) * (v[axis] - shift) % n;
      sum += x.at(from) * root[static_cast<std::size_t>(r < 0 ? r + n : r)];
    }
    y.at(v) = sum;
  });
  return y;
}

}  // namespace

Spectrum dft(Spectrum const& x) {
  Spectrum y = x;
  for (int axis = 0; axis < 3; ++axis) y = along(y, axis, -1, 0);
  return y;
}

Spectrum dft(Real const& x) {
  Spectrum c(x.size);
  for (std::size_t n = 0; n < x.data.size(); ++n) c.data[n] = x.data[n];
  return dft(c);
}

Spectrum idft(Spectrum const& x) {
  Spectrum y = x;
  for (int axis = 0; axis < 3; ++axis) y = along(y, axis, +1, 0);
  for (Complex& c : y.data) c /= static_cast<double>(y.data.size());
  return y;
}

Real real_part(Spectrum const& x) {
  Real r(x.size);
  for (std::size_t n = 0; n < r.data.size(); ++n) r.data[n] = x.data[n].real();
  return r;
}

Real real_idft(Spectrum const& x) {
  return real_part(idft(x));
}

int signed_index(int k, int n) {
  return 2 * k < n ? k : k - n;
}

Spectrum centred_unitary_idft(Spectrum const& s) {
  Spectrum y = s;
  for (int axis = 0; axis < 3; ++axis) y = along(y, axis, +1, s.size[axis] / 2);
  for (Complex& c : y.data) c /= std::sqrt(static_cast<double>(y.data.size()));
  return y;
}

Real multiply_spectrum(Real const& x, Real const& multiplier) {
  Spectrum s = dft(x);
  for (std::size_t n = 0; n < s.data.size(); ++n) s.data[n] *= multiplier.data[n];
  return real_idft(s);
}

}  // namespace qsm::oracle
