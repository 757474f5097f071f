/// One voxel's echoes as a decay m_e = M0 exp(-R2* TE_e), and the fits to it in closed form.
#pragma once

#include <cmath>
#include <cstdint>

#include "math/echo_fields.hpp"
#include "math/finite.hpp"

namespace qsm {

struct Decay {
  EchoFields magnitudes;
  EchoTimes te;
  double spacing_s = 0;  // of equidistant echoes; 0 where they are not

  QSM_HD int count() const { return magnitudes.count; }
  /// 0 where there is no usable sample.
  QSM_HD double sample(int e, std::size_t n) const {
    double const m = static_cast<double>(magnitudes.data[e][n]);
    return m > 0 && is_finite(m) ? m : 0.0;
  }

  /// ARLO: Simpson's rule for the integral over each three echoes against their difference,
  ///   R2* = (3 / dTE) sum d_i a_i / sum s_i a_i,   d_i = m_i - m_{i+2},
  ///   s_i = m_i + 4 m_{i+1} + m_{i+2},   a_i = m_i + 2 m_{i+1}
  /// Falls back to the logarithms where no three neighbours are usable.
  QSM_HD double arlo(std::size_t n) const {
    double difference = 0, integral = 0;
    double first = sample(0, n), second = sample(1, n);
    for (int e = 2; e < count(); ++e) {
      double const third = sample(e, n);
      if (first > 0 && second > 0 && third > 0) {
        double const a = first + 2 * second;
        difference += (first - third) * a;
        integral += (first + 4 * second + third) * a;
      }
      first = second;
      second = third;
    }
    return integral > 0 ? 3 / spacing_s * difference / integral : log_linear(n);
  }

  /// min sum m^2 (ln m - ln M0 + R2* TE)^2; the weights because var(ln m) = sigma^2 / m^2.
  /// 0 unless two echoes are usable.
  QSM_HD double log_linear(std::size_t n) const {
    double s = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
    double first = 0, first_te = 0;  // the origin: fast decays lose all digits about another
    for (int e = 0; e < count(); ++e) {
      double const m = sample(e, n);
      if (!(m > 0)) continue;
      if (!(first > 0)) {
        first = m;
        first_te = te.s[e];
      }
      double const w = m * m, x = te.s[e] - first_te;
      double const y = static_cast<double>(logf(static_cast<float>(m / first)));
      s += w;
      sx += w * x;
      sxx += w * x * x;
      sy += w * y;
      sxy += w * x * y;
    }
    double const determinant = s * sxx - sx * sx;
    return determinant > 0 ? (sx * sy - s * sxy) / determinant : 0.0;
  }

  /// The least-squares M0 of a given rate.
  QSM_HD double amplitude(std::size_t n, double rate) const {
    double product = 0, square = 0;
    Exponential decay(*this, rate);
    for (int e = 0; e < count(); ++e, decay.next()) {
      double const m = sample(e, n);
      if (!(m > 0)) continue;
      product += m * decay.value;
      square += decay.value * decay.value;
    }
    return square > 0 ? product / square : 0.0;
  }

  /// exp(-rate TE_e), echo after echo; a product instead of an exponential where they are
  /// equidistant.
  struct Exponential {
    Decay const& of;
    double rate;
    double value, ratio;
    int e = 0;

    QSM_HD Exponential(Decay const& decay, double r)
        : of(decay),
          rate(r),
          value(exp(-r * decay.te.s[0])),
          ratio(decay.spacing_s > 0 ? exp(-r * decay.spacing_s) : 0) {}
    QSM_HD void next() {
      if (++e >= of.count()) return;
      value *= ratio > 0 ? ratio : exp(-rate * (of.te.s[e] - of.te.s[e - 1]));
    }
  };
};

}  // namespace qsm
