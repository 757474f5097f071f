#include "phase/complex_fit.hpp"

#include "phase/fit_echoes.hpp"

namespace qsm {
namespace {

/// sin r, cos r and r in [-pi, pi]. Residuals are small nearly everywhere: below half a radian a
/// few terms of the series (to 1e-10) are several times faster than the library.
struct Residual {
  double sine, cosine, wrapped;

  QSM_HD explicit Residual(double r) : wrapped(r) {
    constexpr double kTwoPi = 2 * std::numbers::pi;
    if (fabs(r) < 0.5) {
      double const q = r * r;
      sine = r * (1 + q * (-1.0 / 6 + q * (1.0 / 120 + q * (-1.0 / 5040 + q * (1.0 / 362880)))));
      cosine = 1 + q * (-0.5 + q * (1.0 / 24 + q * (-1.0 / 720 + q * (1.0 / 40320))));
    } else {
      wrapped -= kTwoPi * rint(r / kTwoPi);
      sine = sin(wrapped);
      cosine = cos(wrapped);
    }
  }
};

/// sum m^2 (1 - cos r) at a line, with its downhill direction (minus the gradient) and its Hessian.
struct Descent {
  double cost = 0, squares = 0;  // squares: sum m^2 r^2
  double g = 0, g_te = 0;
  double h = 0, h_te = 0, h_te2 = 0;

  QSM_HD Descent(EchoSamples const& echoes, std::size_t n, EchoLine const& line) {
    for (int e = 0; e < echoes.count(); ++e) {
      double const w = echoes.weight(e, n);
      if (!(w > 0)) continue;
      double const te = echoes.te.s[e];
      Residual const r(echoes.phase(e, n) - line.at(te));
      double const down = w * r.sine, curvature = w * r.cosine;
      cost += w - curvature;
      squares += w * r.wrapped * r.wrapped;
      g += down;
      g_te += te * down;
      h += curvature;
      h_te += te * curvature;
      h_te2 += te * te * curvature;
    }
  }
};

struct Step {
  double slope = 0, offset = 0;

  QSM_HD double largest(double te_s) const { return fmax(fabs(offset), fabs(slope) * te_s); }
  QSM_HD EchoLine from(EchoLine line) const {
    line.slope += slope;
    line.offset += offset;
    return line;
  }
};

struct RefineLine {
  /// Returns sum m^2 r^2, to the second order in a last step of less than the tolerance.
  QSM_HD double operator()(EchoSamples const& echoes, EchoSums const& sum, std::size_t n,
                           EchoLine& line) const {
    constexpr int kMostSteps = 30;
    constexpr double kToleranceRad = 1e-4;
    double const last_te = echoes.te.s[echoes.count() - 1];
    Descent at(echoes, n, line);
    for (int k = 0; k < kMostSteps; ++k) {
      Step step = newton_step(at, sum, line.free_offset);
      if (step.largest(last_te) < kToleranceRad) {
        line = step.from(line);
        break;
      }
      Descent next(echoes, n, step.from(line));
      while (next.cost > at.cost) {
        step.slope /= 2;
        step.offset /= 2;
        if (step.largest(last_te) < kToleranceRad) return at.squares;
        next = Descent(echoes, n, step.from(line));
      }
      line = step.from(line);
      at = next;
    }
    return at.squares;
  }

  /// H^-1 g, or with the majorant in H's place.
  QSM_HD static Step newton_step(Descent const& at, EchoSums const& sum, bool free_offset) {
    constexpr double kSafelyPositive = 0.05;  // of the majorant
    if (!free_offset) {
      bool const newton = at.h_te2 > kSafelyPositive * sum.sxx;
      return {at.g_te / (newton ? at.h_te2 : sum.sxx), 0};
    }
    double const determinant = at.h * at.h_te2 - at.h_te * at.h_te;
    if (at.h > 0 && determinant > kSafelyPositive * sum.determinant())
      return {(at.h * at.g_te - at.h_te * at.g) / determinant,
              (at.h_te2 * at.g - at.h_te * at.g_te) / determinant};
    return {(sum.s * at.g_te - sum.sx * at.g) / sum.determinant(),
            (sum.sxx * at.g - sum.sx * at.g_te) / sum.determinant()};
  }
};

}  // namespace

template <class Device>
FitSummary complex_fit(Device const& device, std::vector<Field<float const>> const& phases,
                       std::vector<Field<float const>> const& magnitudes,
                       std::vector<double> const& te_s, Field<std::uint8_t const> mask,
                       EchoFitFields const& out, Field<float const> known_offset_rad) {
  return fit_echoes<RefineLine>(device, phases, magnitudes, te_s, mask, out, known_offset_rad);
}

template FitSummary complex_fit(ThisDevice const&, std::vector<Field<float const>> const&,
                                std::vector<Field<float const>> const&, std::vector<double> const&,
                                Field<std::uint8_t const>, EchoFitFields const&,
                                Field<float const>);

}  // namespace qsm
