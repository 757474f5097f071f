#include "support/oracle_variational.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "support/oracle_dft.hpp"

namespace qsm::oracle {

Vector gradient_scale(Vector voxel_mm) {
  double const mean = std::cbrt(voxel_mm[0] * voxel_mm[1] * voxel_mm[2]);
  return {mean / voxel_mm[0], mean / voxel_mm[1], mean / voxel_mm[2]};
}

Real gradient(Real const& x, int axis, double scale) {
  Real g(x.size);
  every_voxel(x.size, [&](Voxel v) {
    Voxel next = v;
    next[axis] += 1;
    g.at(v) = scale * (x.periodic(next) - x.at(v));
  });
  return g;
}

Real gradient_adjoint(Real const& p, int axis, double scale) {
  Real d(p.size);
  every_voxel(p.size, [&](Voxel v) {
    Voxel before = v;
    before[axis] -= 1;
    d.at(v) = scale * (p.periodic(before) - p.at(v));
  });
  return d;
}

double misfit_of(Misfit f, double weight, double off) {
  switch (f) {
    case Misfit::kPhase:
      return weight * (1 - std::cos(off));
    case Misfit::kQuadratic:
      return weight * off * off / 2;
    case Misfit::kAbsolutePhase:
      return weight * std::abs(std::polar(1.0, off) - 1.0);
    default:
      return weight * std::abs(off);
  }
}

namespace {

/// f' at a misfit of `off`; at its kink the side towards which off > 0.
double slope_of(Misfit f, double weight, double off) {
  switch (f) {
    case Misfit::kPhase:
      return weight * std::sin(off);
    case Misfit::kQuadratic:
      return weight * off;
    case Misfit::kAbsolutePhase:
      return weight * (off < 0 ? -1 : 1) * std::cos(off / 2);
    default:
      return weight * (off < 0 ? -1 : 1);
  }
}

}  // namespace

// With y = z - v and d the misfit at v, the cost falls from y = 0 towards d, and its slope
// f'(y - d) + mu2 y changes sign once on the way, or not at all before the kink at y = d.
double misfit_prox(Misfit f, double weight, double phi, double v, double mu2) {
  double const two_pi = 2 * std::numbers::pi;
  double d = phi - v;
  if (f == Misfit::kPhase || f == Misfit::kAbsolutePhase) d -= two_pi * std::rint(d / two_pi);
  double const sign = d < 0 ? -1 : 1, far = std::abs(d);
  double low = 0, high = far;
  for (int halving = 0; halving < 60; ++halving) {
    double const y = 0.5 * (low + high);
    (slope_of(f, weight, y - far) + mu2 * y > 0 ? high : low) = y;
  }
  return v + sign * 0.5 * (low + high);
}

double absolute_prox(double alpha, double rounding, double q, double mu) {
  double const theta = alpha / mu, size = std::abs(q);
  double const z = size <= theta + rounding
                       ? (rounding > 0 ? size * rounding / (rounding + theta) : 0)
                       : size - theta;
  return q < 0 ? -z : z;
}

namespace {

Complex symbol(int axis, Voxel k, Size size, Vector scale) {
  double const angle = 2 * std::numbers::pi * k[axis] / size[axis];
  return scale[static_cast<std::size_t>(axis)] * (std::polar(1.0, angle) - 1.0);
}

/// A row of a least-squares system: mu / 2 |sum_j of[j] u[j] - target|^2.
struct Row {
  std::vector<Complex> of;
  double mu;
  Complex target;
};

/// The unknowns that minimise the rows' sum; the first is held at zero where `without_first`.
std::vector<Complex> minimise(std::vector<Row> const& rows, std::size_t unknowns,
                              bool without_first) {
  std::vector<std::vector<Complex>> a(unknowns, std::vector<Complex>(unknowns + 1));
  for (Row const& row : rows)
    for (std::size_t i = 0; i < unknowns; ++i) {
      for (std::size_t j = 0; j < unknowns; ++j)
        a[i][j] += row.mu * std::conj(row.of[i]) * row.of[j];
      a[i][unknowns] += row.mu * std::conj(row.of[i]) * row.target;
    }
  if (without_first) {
    for (std::size_t j = 0; j <= unknowns; ++j) a[0][j] = 0;
    for (std::size_t i = 0; i < unknowns; ++i) a[i][0] = 0;
    a[0][0] = 1;
  }
  for (std::size_t p = 0; p < unknowns; ++p) {
    std::size_t best = p;
    for (std::size_t i = p; i < unknowns; ++i)
      if (std::abs(a[i][p]) > std::abs(a[best][p])) best = i;
    std::swap(a[p], a[best]);
    for (std::size_t i = 0; i < unknowns; ++i)
      if (i != p) {
        Complex const factor = a[i][p] / a[p][p];
        for (std::size_t j = p; j <= unknowns; ++j) a[i][j] -= factor * a[p][j];
      }
  }
  std::vector<Complex> u;
  for (std::size_t p = 0; p < unknowns; ++p) u.push_back(a[p][unknowns] / a[p][p]);
  return u;
}

/// z = K u with its scaled multiplier.
struct Splitting {
  Real z, s;
  explicit Splitting(Size size) : z(size), s(size) {}
  Spectrum wanted() const {
    Real target(z.size);
    for (std::size_t n = 0; n < z.data.size(); ++n) target.data[n] = z.data[n] - s.data[n];
    return dft(target);
  }
  /// z <- prox(q, n), s <- q - z with q = r K u + (1 - r) z + s.
  template <class Prox>
  void update(Real const& value, double relaxation, Prox prox) {
    for (std::size_t n = 0; n < z.data.size(); ++n) {
      double const q = relaxation * value.data[n] + (1 - relaxation) * z.data[n] + s.data[n];
      z.data[n] = prox(q, n);
      s.data[n] = q - z.data[n];
    }
  }
};

/// Three splittings of a gradient, or nine of its symmetric gradient.
using Splittings = std::vector<Splitting>;

void start_field(Splitting& field, Real const& phase, Real const& weight, double mu2) {
  for (std::size_t n = 0; n < phase.data.size(); ++n)
    field.z.data[n] = weight.data[n] * phase.data[n] / (weight.data[n] + mu2);
}

void update_field(Splitting& field, Real const& model, Real const& phase, Real const& weight,
                  int iteration, VariationalOptions const& o) {
  bool const squared = o.misfit == Misfit::kPhase || o.misfit == Misfit::kQuadratic;
  Misfit const f = iteration >= o.linear_iterations ? o.misfit
                   : squared                        ? Misfit::kQuadratic
                                                    : Misfit::kAbsolute;
  field.update(model, o.relaxation, [&](double v, std::size_t n) {
    return misfit_prox(f, weight.data[n], phase.data[n], v, o.mu2);
  });
}

void update_gradient(Splittings& splittings, std::vector<Real> const& values,
                     VariationalOptions const& o) {
  for (std::size_t a = 0; a < 3; ++a)
    splittings[a].update(values[a], o.relaxation, [&](double q, std::size_t n) {
      bool const edge = !o.edges.empty() && o.edges[a].data[n];
      return edge ? q : absolute_prox(o.alpha, o.rounding, q, o.mu1);
    });
}

std::vector<Real> gradients(Real const& x, Vector scale) {
  return {gradient(x, 0, scale[0]), gradient(x, 1, scale[1]), gradient(x, 2, scale[2])};
}

std::vector<Spectrum> all_wanted(Splittings const& splittings) {
  std::vector<Spectrum> wanted;
  for (Splitting const& s : splittings) wanted.push_back(s.wanted());
  return wanted;
}

bool is_dc(Voxel k) {
  return k.i == 0 && k.j == 0 && k.k == 0;
}

}  // namespace

Real tv(Real const& phase, Real const& weight, Real const& dipole, VariationalOptions const& o) {
  Size const size = phase.size;
  Splittings gradient_of_x(3, Splitting(size));
  Splitting field(size);
  start_field(field, phase, weight, o.mu2);
  Real x(size);
  for (int iteration = 0; iteration < o.iterations; ++iteration) {
    auto const wanted = all_wanted(gradient_of_x);
    Spectrum const data = field.wanted();
    Spectrum map(size), model(size);
    every_voxel(size, [&](Voxel k) {
      std::vector<Row> rows = {{{dipole.at(k)}, o.mu2, data.at(k)}, {{1.0}, o.ridge, 0}};
      for (int i = 0; i < 3; ++i)
        rows.push_back({{symbol(i, k, size, o.gradient_scale)},
                        o.mu1,
                        wanted[static_cast<std::size_t>(i)].at(k)});
      map.at(k) = is_dc(k) ? 0 : minimise(rows, 1, false)[0];
      model.at(k) = dipole.at(k) * map.at(k);
    });
    x = real_idft(map);
    update_gradient(gradient_of_x, gradients(x, o.gradient_scale), o);
    update_field(field, real_idft(model), phase, weight, iteration, o);
  }
  return x;
}

WithSlope tgv(Real const& phase, Real const& weight, Real const& dipole,
              VariationalOptions const& o) {
  Size const size = phase.size;
  double const alpha0 = 2 * o.alpha, mu0 = 2 * o.mu1;
  Splittings first(3, Splitting(size)), second(9, Splitting(size));
  Splitting field(size);
  start_field(field, phase, weight, o.mu2);
  std::vector<Real> u(4, Real(size));  // x, v
  for (int iteration = 0; iteration < o.iterations; ++iteration) {
    auto const wanted1 = all_wanted(first), wanted0 = all_wanted(second);
    Spectrum const data = field.wanted();
    std::vector<Spectrum> spectra(5, Spectrum(size));  // x, v, D x
    every_voxel(size, [&](Voxel k) {
      Complex e[3];
      for (int i = 0; i < 3; ++i) e[i] = symbol(i, k, size, o.gradient_scale);
      std::vector<Row> rows = {{{dipole.at(k), 0, 0, 0}, o.mu2, data.at(k)},
                               {{1.0, 0, 0, 0}, o.ridge, 0}};
      for (std::size_t i = 0; i < 3; ++i) {
        std::vector<Complex> row = {e[i], 0, 0, 0};
        row[1 + i] = -1;
        rows.push_back({row, o.mu1, wanted1[i].at(k)});
        for (std::size_t j = 0; j < 3; ++j) {
          std::vector<Complex> symmetric(4);
          symmetric[1 + j] += 0.5 * e[i];
          symmetric[1 + i] += 0.5 * e[j];
          rows.push_back({symmetric, mu0, wanted0[3 * i + j].at(k)});
        }
      }
      auto const solved = minimise(rows, 4, is_dc(k));
      for (std::size_t n = 0; n < 4; ++n) spectra[n].at(k) = solved[n];
      spectra[4].at(k) = dipole.at(k) * solved[0];
    });
    for (std::size_t n = 0; n < 4; ++n) u[n] = real_idft(spectra[n]);
    auto slopes = gradients(u[0], o.gradient_scale);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t n = 0; n < slopes[i].data.size(); ++n) slopes[i].data[n] -= u[1 + i].data[n];
    update_gradient(first, slopes, o);
    std::vector<std::vector<Real>> of_v;
    for (std::size_t j = 0; j < 3; ++j) of_v.push_back(gradients(u[1 + j], o.gradient_scale));
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j) {
        Real symmetric(size);
        for (std::size_t n = 0; n < symmetric.data.size(); ++n)
          symmetric.data[n] = 0.5 * (of_v[j][i].data[n] + of_v[i][j].data[n]);
        second[3 * i + j].update(symmetric, o.relaxation, [&](double q, std::size_t) {
          return absolute_prox(alpha0, o.rounding, q, mu0);
        });
      }
    update_field(field, real_idft(spectra[4]), phase, weight, iteration, o);
  }
  return {u[0], {u[1], u[2], u[3]}};
}

WithBackground weak_harmonic(Real const& phase, Real const& weight, Mask const& mask,
                             Real const& dipole, double beta, double muh,
                             VariationalOptions const& o) {
  Size const size = phase.size;
  Splittings gradient_of_x(3, Splitting(size));
  Splitting field(size), curvature(size);
  start_field(field, phase, weight, o.mu2);
  WithBackground u{Real(size), Real(size)};
  for (int iteration = 0; iteration < o.iterations; ++iteration) {
    auto const wanted = all_wanted(gradient_of_x);
    Spectrum const data = field.wanted(), flat = curvature.wanted();
    Spectrum map(size), background(size), model(size), laplacian(size);
    every_voxel(size, [&](Voxel k) {
      double laplace = 0;
      std::vector<Row> rows = {{{dipole.at(k), 1.0}, o.mu2, data.at(k)}, {{1.0, 0}, o.ridge, 0}};
      for (int i = 0; i < 3; ++i) {
        Complex const e = symbol(i, k, size, o.gradient_scale);
        laplace -= std::norm(e);
        rows.push_back({{e, 0}, o.mu1, wanted[static_cast<std::size_t>(i)].at(k)});
      }
      rows.push_back({{0, laplace}, muh, flat.at(k)});
      auto const solved = minimise(rows, 2, is_dc(k));
      map.at(k) = solved[0];
      background.at(k) = solved[1];
      model.at(k) = dipole.at(k) * solved[0] + solved[1];
      laplacian.at(k) = laplace * solved[1];
    });
    u = {real_idft(map), real_idft(background)};
    update_gradient(gradient_of_x, gradients(u.x, o.gradient_scale), o);
    curvature.update(real_idft(laplacian), o.relaxation, [&](double q, std::size_t n) {
      return mask.data[n] ? muh * q / (muh + beta) : q;
    });
    update_field(field, real_idft(model), phase, weight, iteration, o);
  }
  return u;
}

}  // namespace qsm::oracle
