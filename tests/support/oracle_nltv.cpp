#include "support/oracle_nltv.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

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

// g(y) = W sin(y - d) + mu2 y is increasing for W <= mu2 and changes sign between 0 and d, where
// y = z - v and d = wrap(phi - v).
double nonlinear_prox(double weight, double phi, double v, double mu2) {
  double const two_pi = 2 * std::numbers::pi;
  double const d = phi - v - two_pi * std::rint((phi - v) / two_pi);
  double low = std::min(0.0, d), high = std::max(0.0, d);
  for (int halving = 0; halving < 60; ++halving) {
    double const y = 0.5 * (low + high);
    (weight * std::sin(y - d) + mu2 * y > 0 ? high : low) = y;
  }
  return v + 0.5 * (low + high);
}

namespace {

double symbol_squared(Voxel k, Size size, Vector scale) {
  double sum = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    int const axis = static_cast<int>(a);
    double const s = 2 * scale[a] * std::sin(std::numbers::pi * k[axis] / size[axis]);
    sum += s * s;
  }
  return sum;
}

Real difference(Real const& a, Real const& b) {
  Real c(a.size);
  for (std::size_t n = 0; n < c.data.size(); ++n) c.data[n] = a.data[n] - b.data[n];
  return c;
}

// x^ = [ mu1 F(grad^T(z1 - s1)) + mu2 D F(z2 - s2) ] / (mu2 D^2 + mu1 |E|^2), x^(0) = 0
Spectrum solve_x(std::vector<Real> const& z1, std::vector<Real> const& s1, Real const& z2,
                 Real const& s2, Real const& dipole, NltvOptions const& o) {
  Spectrum const data = dft(difference(z2, s2));
  Spectrum x(z2.size);
  for (std::size_t a = 0; a < 3; ++a) {
    Spectrum const term =
        dft(gradient_adjoint(difference(z1[a], s1[a]), static_cast<int>(a), o.gradient_scale[a]));
    for (std::size_t n = 0; n < x.data.size(); ++n) x.data[n] += o.mu1 * term.data[n];
  }
  every_voxel(x.size, [&](Voxel k) {
    double const d = dipole.at(k);
    double const e2 = symbol_squared(k, x.size, o.gradient_scale);
    bool const dc = k.i == 0 && k.j == 0 && k.k == 0;
    x.at(k) = dc ? 0.0 : (x.at(k) + o.mu2 * d * data.at(k)) / (o.mu2 * d * d + o.mu1 * e2);
  });
  return x;
}

}  // namespace

Real nltv(Real const& phase, Real const& weight, Real const& dipole, NltvOptions const& o) {
  std::size_t const voxels = phase.data.size();
  std::vector<Real> z1(3, Real(phase.size)), s1(3, Real(phase.size));
  Real x(phase.size), z2(phase.size), s2(phase.size);
  for (std::size_t n = 0; n < voxels; ++n)
    z2.data[n] = weight.data[n] * phase.data[n] / (weight.data[n] + o.mu2);

  for (int iteration = 0; iteration < o.iterations; ++iteration) {
    Spectrum spectrum = solve_x(z1, s1, z2, s2, dipole, o);
    x = real_idft(spectrum);

    double const threshold = o.alpha / o.mu1;
    for (std::size_t a = 0; a < 3; ++a) {
      Real const g = gradient(x, static_cast<int>(a), o.gradient_scale[a]);
      for (std::size_t n = 0; n < voxels; ++n) {
        double const q =
            o.relaxation * g.data[n] + (1 - o.relaxation) * z1[a].data[n] + s1[a].data[n];
        double const shrunk = std::max(std::abs(q) - threshold, 0.0);
        z1[a].data[n] = q < 0 ? -shrunk : shrunk;
        s1[a].data[n] = q - z1[a].data[n];
      }
    }

    for (std::size_t n = 0; n < voxels; ++n) spectrum.data[n] *= dipole.data[n];
    Real const field = real_idft(spectrum);
    for (std::size_t n = 0; n < voxels; ++n) {
      double const w = weight.data[n],
                   v = o.relaxation * field.data[n] + (1 - o.relaxation) * z2.data[n] + s2.data[n];
      z2.data[n] = iteration < o.linear_iterations ? (w * phase.data[n] + o.mu2 * v) / (w + o.mu2)
                                                   : nonlinear_prox(w, phase.data[n], v, o.mu2);
      s2.data[n] = v - z2.data[n];
    }
  }
  return x;
}

}  // namespace qsm::oracle
