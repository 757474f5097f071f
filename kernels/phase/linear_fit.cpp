#include "phase/linear_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/select.hpp"
#include "math/finite.hpp"
#include "phase/echo_fields.hpp"

namespace qsm {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

struct FitLine {
  EchoFields phases, magnitudes;
  EchoTimes te;
  Field<std::uint8_t const> mask;
  LinearFitFields out;
  Field<float> misfit;              // sum m^2 r^2; NaN where an echo is missing
  Field<float const> known_offset;  // empty: fitted

  QSM_HD double weight(int e, std::size_t n) const {
    double const m = static_cast<double>(magnitudes.data[e][n]);
    double const phase = static_cast<double>(phases.data[e][n]);
    return m > 0 && is_finite(m) && is_finite(phase) ? m * m : 0.0;
  }
  QSM_HD double phase(int e, std::size_t n) const { return static_cast<double>(phases.data[e][n]); }

  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = mask.grid.linear(i);
    write(n, 0, 0, 0, 0, NAN);
    if (mask.data[n] == 0) return;

    double s = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
    int used = 0;
    for (int e = 0; e < phases.count; ++e) {
      double const w = weight(e, n);
      if (!(w > 0)) continue;
      ++used;
      s += w;
      sx += w * te.s[e];
      sxx += w * te.s[e] * te.s[e];
      sy += w * phase(e, n);
      sxy += w * te.s[e] * phase(e, n);
    }
    if (used == 0) return;
    double const determinant = s * sxx - sx * sx;
    bool const line = !known_offset && determinant > 1e-6 * s * sxx;
    double const known = known_offset ? static_cast<double>(known_offset.data[n]) : 0.0;
    double const slope = line ? (s * sxy - sx * sy) / determinant : (sxy - known * sx) / sxx;
    double const offset = line ? (sy - slope * sx) / s : known;
    double const slope_variance = line ? s / determinant : 1 / sxx;

    double squares = 0;
    for (int e = 0; e < phases.count; ++e) {
      double const w = weight(e, n);
      if (!(w > 0)) continue;
      double const r = phase(e, n) - offset - slope * te.s[e];
      squares += w * r * r;
    }
    write(n, slope / kTwoPi, offset, sqrt(slope_variance) / kTwoPi, sqrt(squares / s),
          used == phases.count ? static_cast<float>(squares) : NAN);
  }

  QSM_HD void write(std::size_t n, double field, double offset, double noise, double residual,
                    float squares) const {
    out.field_hz.data[n] = static_cast<float>(field);
    out.offset_rad.data[n] = static_cast<float>(offset);
    out.noise_hz.data[n] = static_cast<float>(noise);
    out.residual_rad.data[n] = static_cast<float>(residual);
    misfit.data[n] = squares;
  }
};

struct Multiply {
  float factor;
  Field<float> value;
  QSM_HD void operator()(Index3 i) const { value[i] *= factor; }
};

// Wilson and Hilferty: within 0.5 % from two degrees of freedom on.
double chi_squared_median(int freedom) {
  if (freedom == 1) return 0.454936;
  double const d = freedom;
  return d * std::pow(1 - 2 / (9 * d), 3);
}

}  // namespace

template <class Device>
FitSummary linear_fit(Device const& device, std::vector<Field<float const>> const& phases,
                      std::vector<Field<float const>> const& magnitudes,
                      std::vector<double> const& te_s, Field<std::uint8_t const> mask,
                      LinearFitFields const& out, Field<float const> known_offset_rad) {
  Buffer<Device, float> misfit(device, mask.grid);
  for_each_voxel(device, mask.grid,
                 FitLine{.phases = echo_fields(phases, te_s),
                         .magnitudes = echo_fields(magnitudes, te_s),
                         .te = echo_times(te_s),
                         .mask = mask,
                         .out = out,
                         .misfit = misfit.field(),
                         .known_offset = known_offset_rad});
  double const median = percentiles(device, misfit.view(), mask, {50}).front();
  int const freedom = static_cast<int>(te_s.size()) - (known_offset_rad ? 1 : 2);
  if (freedom < 1 || !(median > 0)) return {.freedom = std::max(freedom, 0)};
  double const sigma = std::sqrt(median / chi_squared_median(freedom));
  for_each_voxel(device, mask.grid, Multiply{static_cast<float>(sigma), out.noise_hz});
  return {.noise_sigma = sigma, .noise_is_absolute = true, .freedom = freedom};
}

template FitSummary linear_fit(ThisDevice const&, std::vector<Field<float const>> const&,
                               std::vector<Field<float const>> const&, std::vector<double> const&,
                               Field<std::uint8_t const>, LinearFitFields const&,
                               Field<float const>);

}  // namespace qsm
