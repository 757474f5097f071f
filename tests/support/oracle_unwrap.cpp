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

namespace {

// A x = b for a symmetric, at least semidefinite A, without pivoting; where nothing but rounding is
// left on the diagonal, which happens once per connected part, x is 0.
std::vector<double> eliminate(std::vector<std::vector<double>> a, std::vector<double> b) {
  std::size_t const n = b.size();
  for (std::size_t p = 0; p < n; ++p)
    for (std::size_t row = p + 1; row < n; ++row) {
      if (a[row][p] == 0) continue;
      double const factor = a[row][p] / a[p][p];
      for (std::size_t c = p; c < n; ++c) a[row][c] -= factor * a[p][c];
      b[row] -= factor * b[p];
    }
  std::vector<double> x(n);
  for (std::size_t p = n; p-- > 0;) {
    double sum = b[p];
    for (std::size_t c = p + 1; c < n; ++c) sum -= a[p][c] * x[c];
    x[p] = a[p][p] > 1e-9 ? sum / a[p][p] : 0;
  }
  return x;
}

}  // namespace

Real masked_unwrap(Real const& w, Mask const& mask, Vector voxel_mm) {
  Volume<int> row(w.size, -1);
  int rows = 0;
  every_voxel(w.size, [&](Voxel v) {
    if (mask.at(v)) row.at(v) = rows++;
  });
  auto const index = [&](Voxel v) { return static_cast<std::size_t>(row.at(v)); };
  std::size_t const n = static_cast<std::size_t>(rows);
  std::vector<std::vector<double>> a(n, std::vector<double>(n));
  std::vector<double> b(n);
  every_voxel(w.size, [&](Voxel v) {
    for (int axis = 0; axis < 3; ++axis) {
      Voxel next = v;
      next[axis] += 1;
      if (!mask.at(v) || !mask.contains(next) || !mask.at(next)) continue;
      double const h = voxel_mm[static_cast<std::size_t>(axis)];
      double const jump = wrap(w.at(next) - w.at(v)) / (h * h);
      a[index(v)][index(v)] += 1 / (h * h);
      a[index(next)][index(next)] += 1 / (h * h);
      a[index(v)][index(next)] -= 1 / (h * h);
      a[index(next)][index(v)] -= 1 / (h * h);
      b[index(next)] += jump;
      b[index(v)] -= jump;
    }
  });
  std::vector<double> const x = eliminate(a, b);
  Real u(w.size);
  every_voxel(w.size, [&](Voxel v) {
    if (mask.at(v)) u.at(v) = x[index(v)];
  });
  return u;
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
