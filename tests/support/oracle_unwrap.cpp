#include "support/oracle_unwrap.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qsm::oracle {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

// y[n] = sum_m matrix(n, m) x[m] along one axis.
template <class Matrix>
Real along(Real const& x, int axis, Matrix matrix) {
  Real y(x.size);
  every_voxel(x.size, [&](Voxel v) {
    Voxel from = v;
    for (int m = 0; m < x.size[axis]; ++m) {
      from[axis] = m;
      y.at(v) += matrix(v[axis], m, x.size[axis]) * x.at(from);
    }
  });
  return y;
}

double cosine(int k, int n, int size) {
  return std::cos(std::numbers::pi * k * (2 * n + 1) / (2 * size));
}

}  // namespace

double wrap(double a) {
  return a - kTwoPi * std::rint(a / kTwoPi);
}

Real wrapped_laplacian(Real const& w, Vector voxel_mm) {
  Real laplacian(w.size);
  every_voxel(w.size, [&](Voxel v) {
    for (int axis = 0; axis < 3; ++axis) {
      double const h = voxel_mm[static_cast<std::size_t>(axis)];
      for (int step : {-1, 1}) {
        Voxel next = v;
        next[axis] += step;
        if (w.contains(next)) laplacian.at(v) += wrap(w.at(next) - w.at(v)) / (h * h);
      }
    }
  });
  return laplacian;
}

Real dct(Real const& x) {
  Real y = x;
  for (int axis = 0; axis < 3; ++axis)
    y = along(y, axis, [](int k, int n, int size) { return cosine(k, n, size); });
  return y;
}

Real idct(Real const& c) {
  Real y = c;
  for (int axis = 0; axis < 3; ++axis)
    y = along(y, axis,
              [](int n, int k, int size) { return (k ? 2.0 : 1.0) / size * cosine(k, n, size); });
  return y;
}

Real solve_neumann(Real const& rhs, Vector voxel_mm) {
  Real c = dct(rhs);
  every_voxel(c.size, [&](Voxel k) {
    double eigenvalue = 0;
    for (int axis = 0; axis < 3; ++axis) {
      double const h = voxel_mm[static_cast<std::size_t>(axis)];
      eigenvalue += (2 * std::cos(std::numbers::pi * k[axis] / c.size[axis]) - 2) / (h * h);
    }
    bool const dc = k.i == 0 && k.j == 0 && k.k == 0;
    c.at(k) = dc ? 0 : c.at(k) / eigenvalue;
  });
  return idct(c);
}

Real laplacian_unwrap(Real const& wrapped, Vector voxel_mm) {
  return solve_neumann(wrapped_laplacian(wrapped, voxel_mm), voxel_mm);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::size_t const n = values.size();
  return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

Real snap_to_congruence(Real const& u, Real const& wrapped, Mask const& mask) {
  std::vector<double> turns;
  for (std::size_t n = 0; n < u.data.size(); ++n)
    if (mask.data[n]) turns.push_back((u.data[n] - wrapped.data[n]) / kTwoPi);
  double const offset = median(turns);
  Real snapped = wrapped;
  for (std::size_t n = 0; n < u.data.size(); ++n)
    snapped.data[n] += kTwoPi * std::rint((u.data[n] - wrapped.data[n]) / kTwoPi - offset);
  return snapped;
}

std::vector<Real> temporal_unwrap(Real const& first, std::vector<Real> const& wrapped,
                                  std::vector<double> const& te) {
  std::vector<Real> unwrapped = {first};
  for (std::size_t e = 1; e < wrapped.size(); ++e) {
    Real next = wrapped[e];
    for (std::size_t n = 0; n < next.data.size(); ++n) {
      double const expected = unwrapped[e - 1].data[n] * te[e] / te[e - 1];
      next.data[n] -= kTwoPi * std::rint((next.data[n] - expected) / kTwoPi);
    }
    unwrapped.push_back(next);
  }
  return unwrapped;
}

}  // namespace qsm::oracle
