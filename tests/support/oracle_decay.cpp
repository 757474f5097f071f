#include "support/oracle_decay.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "support/golden_section.hpp"
#include "support/oracle_fit.hpp"

namespace qsm::oracle {

double arlo_rate(std::vector<double> const& te, std::vector<double> const& m) {
  double const third = (te[1] - te[0]) / 3;
  double ii = 0, id = 0, dd = 0;
  for (std::size_t e = 0; e + 2 < m.size(); ++e) {
    double const integral = third * (m[e] + 4 * m[e + 1] + m[e + 2]);
    double const difference = m[e] - m[e + 2];
    ii += integral * integral;
    id += integral * difference;
    dd += difference * difference;
  }
  double const t2s = (ii + third * id) / (third * dd + id);
  return 1 / t2s;
}

DecayFit log_linear_decay(std::vector<double> const& te, std::vector<double> const& m) {
  std::vector<double> logarithm, weight;
  for (double const v : m) {
    logarithm.push_back(std::log(v));
    weight.push_back(v * v);
  }
  Line const line = fit_line(te, logarithm, weight);
  return {-line.slope, std::exp(line.intercept)};
}

DecayFit least_squares_decay(std::vector<double> const& te, std::vector<double> const& m,
                             double floor) {
  double const largest = 10 * *std::max_element(m.begin(), m.end());
  auto const cost = [&](double m0, double rate) {
    double sum = 0;
    for (std::size_t e = 0; e < m.size(); ++e) {
      double const r = m[e] - std::hypot(m0 * std::exp(-rate * te[e]), floor);
      sum += r * r;
    }
    return sum;
  };
  auto const best_m0 = [&](double rate) {
    return golden_section(0, largest * std::exp(rate * te.front()),
                          [&](double m0) { return cost(m0, rate); });
  };
  double const rate = golden_section(0, 500, [&](double r) { return cost(best_m0(r), r); });
  return {rate, best_m0(rate)};
}

}  // namespace qsm::oracle
