#include "support/oracle_fit.hpp"

#include <cmath>
#include <cstddef>

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

}  // namespace qsm::oracle
