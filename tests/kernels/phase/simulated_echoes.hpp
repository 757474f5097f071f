/// Echoes of a smooth field with noise, and the fits over them run on host volumes.
#pragma once

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "device/buffer.hpp"
#include "phase/echo_fit.hpp"
#include "support/this_device.hpp"

namespace qsm::test {

using Values = std::vector<float>;
inline constexpr double kTwoPi = 2 * std::numbers::pi;

inline double smooth(Grid g, Index3 i, double amplitude) {
  return amplitude * std::sin(3.0 * i.x / g.nx + 2.0 * i.y / g.ny) * std::cos(2.5 * i.z / g.nz);
}

/// S_e = m_e exp(i (phi_0 + 2 pi f TE_e)) + noise of 1 per channel; m_e decays from `snr`.
struct Echoes {
  Grid grid;
  std::vector<double> te_s;
  std::vector<double> field_hz, offset_rad;
  std::vector<Values> magnitude, phase;  // phase on the branch of the truth

  Echoes(Grid g, std::vector<double> te, double snr, double hz, double rad) : grid(g), te_s(te) {
    std::mt19937 random(9);
    std::normal_distribution<double> normal;
    for (std::size_t n = 0; n < g.size(); ++n) {
      field_hz.push_back(smooth(g, g.index(n), hz));
      offset_rad.push_back(smooth(g, g.index(n), rad));
    }
    for (double const t : te) {
      Values m(g.size()), p(g.size());
      for (std::size_t n = 0; n < g.size(); ++n) {
        double const truth = offset_rad[n] + kTwoPi * field_hz[n] * t;
        std::complex<double> const s = std::polar(snr * std::exp(-20 * t), truth) +
                                       std::complex<double>(normal(random), normal(random));
        m[n] = static_cast<float>(std::abs(s));
        p[n] = static_cast<float>(truth + std::arg(s * std::polar(1.0, -truth)));
      }
      magnitude.push_back(m);
      phase.push_back(p);
    }
  }
};

struct Fitted {
  FitSummary summary;
  Values field_hz, offset_rad, noise_hz, residual_rad;
};

/// `Fit` is linear_fit<ThisDevice> or complex_fit<ThisDevice>; an empty `known_offset` is fitted.
template <class Fit>
Fitted run_fit(ThisDevice const& device, Fit fit, Echoes const& echoes,
               std::vector<std::uint8_t> const& mask, Values const& known_offset = {}) {
  Grid const g = echoes.grid;
  std::vector<Buffer<ThisDevice, float>> held;
  auto const upload = [&](std::vector<Values> const& volumes) {
    std::vector<Field<float const>> fields;
    for (auto const& v : volumes) {
      held.emplace_back(device, g, v);
      fields.push_back(held.back().view());
    }
    return fields;
  };
  auto const phases = upload(echoes.phase);
  auto const magnitudes = upload(echoes.magnitude);
  Field<float const> known;
  if (!known_offset.empty()) known = upload({known_offset}).front();
  Buffer<ThisDevice, std::uint8_t> const inside(device, g, mask);
  Buffer<ThisDevice, float> f(device, g), o(device, g), s(device, g), r(device, g);
  FitSummary const summary = fit(device, phases, magnitudes, echoes.te_s, inside.view(),
                                 EchoFitFields{f.field(), o.field(), s.field(), r.field()}, known);
  return {summary, f.to_host(), o.to_host(), s.to_host(), r.to_host()};
}

}  // namespace qsm::test
