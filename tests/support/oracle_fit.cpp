#include "support/oracle_fit.hpp"

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

#include "support/golden_section.hpp"

namespace qsm::oracle {
namespace {

double weighted_residual(Line const& line, std::vector<double> const& te,
                         std::vector<double> const& phi, std::vector<double> const& weight) {
  double sum = 0, total = 0;
  for (std::size_t e = 0; e < te.size(); ++e) {
    double const r = phi[e] - line.intercept - line.slope * te[e];
    sum += weight[e] * r * r;
    total += weight[e];
  }
  return std::sqrt(sum / total);
}

}  // namespace

Line fit_line(std::vector<double> const& te, std::vector<double> const& phi,
              std::vector<double> const& weight) {
  // [ S  Sx ] [intercept]   [ Sy ]
  // [ Sx Sxx] [slope    ] = [ Sxy], solved about the weighted mean time, where it is diagonal.
  double s = 0, mean_te = 0, mean_phi = 0;
  for (std::size_t e = 0; e < te.size(); ++e) {
    s += weight[e];
    mean_te += weight[e] * te[e];
    mean_phi += weight[e] * phi[e];
  }
  mean_te /= s;
  mean_phi /= s;
  double sxx = 0, sxy = 0;
  for (std::size_t e = 0; e < te.size(); ++e) {
    sxx += weight[e] * (te[e] - mean_te) * (te[e] - mean_te);
    sxy += weight[e] * (te[e] - mean_te) * (phi[e] - mean_phi);
  }
  Line line{sxy / sxx, 0, 1 / sxx, 0};
  line.intercept = mean_phi - line.slope * mean_te;
  line.residual = weighted_residual(line, te, phi, weight);
  return line;
}

Line fit_through_origin(std::vector<double> const& te, std::vector<double> const& phi,
                        std::vector<double> const& weight) {
  double sxx = 0, sxy = 0;
  for (std::size_t e = 0; e < te.size(); ++e) {
    sxx += weight[e] * te[e] * te[e];
    sxy += weight[e] * te[e] * phi[e];
  }
  Line line{sxy / sxx, 0, 1 / sxx, 0};
  line.residual = weighted_residual(line, te, phi, weight);
  return line;
}

Line fit_phasors(std::vector<double> const& te, std::vector<double> const& phi,
                 std::vector<double> const& weight, Line const& start, bool fixed_intercept) {
  constexpr double kTwoPi = 2 * std::numbers::pi;
  auto const phasor = [&](double slope) {
    std::complex<double> sum;
    for (std::size_t e = 0; e < te.size(); ++e)
      sum += std::polar(weight[e], phi[e] - slope * te[e]);
    return sum;
  };
  auto const score = [&](double slope) {
    auto const z = phasor(slope);
    return -(fixed_intercept ? (z * std::polar(1.0, -start.intercept)).real() : std::abs(z));
  };
  int const steps = 2000;
  double const step = 2 * std::numbers::pi / te.back() / steps;
  double best = start.slope;
  for (int k = -steps / 2; k <= steps / 2; ++k)
    if (score(start.slope + k * step) < score(best)) best = start.slope + k * step;

  Line line = start;
  line.slope = golden_section(best - step, best + step, score);
  double s = 0, mean_te = 0, squares = 0;
  for (std::size_t e = 0; e < te.size(); ++e) {
    s += weight[e];
    mean_te += weight[e] * te[e];
  }
  if (!fixed_intercept) {
    double const near = start.intercept + (start.slope - line.slope) * mean_te / s;
    double const argument = std::arg(phasor(line.slope));
    line.intercept = argument + kTwoPi * std::round((near - argument) / kTwoPi);
  }
  for (std::size_t e = 0; e < te.size(); ++e) {
    double const r = phi[e] - line.intercept - line.slope * te[e];
    double const wrapped = std::atan2(std::sin(r), std::cos(r));
    squares += weight[e] * wrapped * wrapped;
  }
  line.residual = std::sqrt(squares / s);
  return line;
}

}  // namespace qsm::oracle
