/// One voxel's echoes and the straight line through them: what the fits over the echoes share.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "math/echo_fields.hpp"
#include "math/finite.hpp"
#include "phase/echo_fit.hpp"

namespace qsm {

struct EchoSamples {
  EchoFields phases, magnitudes;
  EchoTimes te;

  QSM_HD int count() const { return phases.count; }
  /// m^2; 0 where the sample is not finite or m <= 0.
  QSM_HD double weight(int e, std::size_t n) const {
    double const m = static_cast<double>(magnitudes.data[e][n]);
    return m > 0 && is_finite(m) && is_finite(phase(e, n)) ? m * m : 0.0;
  }
  QSM_HD double phase(int e, std::size_t n) const { return static_cast<double>(phases.data[e][n]); }
};

/// Weighted sums over the echoes of a voxel: S, Sx, Sxx, Sy, Sxy with x = TE and y = phase.
struct EchoSums {
  double s = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
  int used = 0;  // echoes with a weight

  QSM_HD EchoSums(EchoSamples const& echoes, std::size_t n) {
    for (int e = 0; e < echoes.count(); ++e) {
      double const w = echoes.weight(e, n);
      if (!(w > 0)) continue;
      double const te = echoes.te.s[e], phase = echoes.phase(e, n);
      ++used;
      s += w;
      sx += w * te;
      sxx += w * te * te;
      sy += w * phase;
      sxy += w * te * phase;
    }
  }
  QSM_HD double determinant() const { return s * sxx - sx * sx; }
};

/// phi(TE) = offset + slope TE.
struct EchoLine {
  double slope = 0;  // rad/s
  double offset = 0;
  double slope_variance = 0;  // for noise of 1
  bool free_offset = false;   // fitted, not given

  QSM_HD double at(double te_s) const { return offset + slope * te_s; }
};

/// The least-squares line, or the one through `known_offset` (null: fitted; the origin where only
/// one echo has signal). Some echo must have signal.
QSM_HD EchoLine fit_line(EchoSums const& sum, float const* known_offset) {
  double const determinant = sum.determinant();
  if (!known_offset && determinant > 1e-6 * sum.s * sum.sxx) {
    double const slope = (sum.s * sum.sxy - sum.sx * sum.sy) / determinant;
    return {slope, (sum.sy - slope * sum.sx) / sum.s, sum.s / determinant, true};
  }
  double const offset = known_offset ? static_cast<double>(*known_offset) : 0.0;
  return {(sum.sxy - offset * sum.sx) / sum.sxx, offset, 1 / sum.sxx, false};
}

/// Where a fit writes a voxel.
struct EchoFitOutput {
  EchoFitFields fields;
  Field<float> misfit;  // sum m^2 r^2; NaN where an echo is missing

  QSM_HD void clear(std::size_t n) const { put(n, 0, 0, 0, 0, NAN); }
  QSM_HD void write(std::size_t n, EchoLine const& line, EchoSums const& sum, double squares,
                    int echoes) const {
    constexpr double kTwoPi = 2 * std::numbers::pi;
    put(n, line.slope / kTwoPi, line.offset, sqrt(line.slope_variance) / kTwoPi,
        sqrt(squares / sum.s), sum.used == echoes ? static_cast<float>(squares) : NAN);
  }

 private:
  QSM_HD void put(std::size_t n, double field, double offset, double noise, double residual,
                  float squares) const {
    fields.field_hz.data[n] = static_cast<float>(field);
    fields.offset_rad.data[n] = static_cast<float>(offset);
    fields.noise_hz.data[n] = static_cast<float>(noise);
    fields.residual_rad.data[n] = static_cast<float>(residual);
    misfit.data[n] = squares;
  }
};

}  // namespace qsm
