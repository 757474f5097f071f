#include "metrics/metrics.hpp"

#include <cmath>
#include <limits>

namespace qsm {
namespace {

constexpr double kNothingToScore = std::numeric_limits<double>::quiet_NaN();

/// First and second moments of recon (r) and truth (t) over the mask, about their means.
struct Moments {
  double count = 0, mean_r = 0, mean_t = 0, rr = 0, tt = 0, rt = 0;
  bool scorable() const { return count >= 2 && tt > 0; }
};

Moments moments(Values recon, Values truth, MaskValues mask) {
  Moments m;
  double sum_r = 0, sum_t = 0, count = 0;
#pragma omp parallel for reduction(+ : sum_r, sum_t, count)
  for (std::size_t n = 0; n < mask.size(); ++n)
    if (mask[n]) {
      ++count;
      sum_r += recon[n];
      sum_t += truth[n];
    }
  if (count == 0) return m;
  double const mean_r = sum_r / count, mean_t = sum_t / count;
  double rr = 0, tt = 0, rt = 0;
#pragma omp parallel for reduction(+ : rr, tt, rt)
  for (std::size_t n = 0; n < mask.size(); ++n)
    if (mask[n]) {
      double const r = recon[n] - mean_r, t = truth[n] - mean_t;
      rr += r * r;
      tt += t * t;
      rt += r * t;
    }
  return {count, mean_r, mean_t, rr, tt, rt};
}

}  // namespace

double nrmse(Values recon, Values truth, MaskValues mask) {
  auto const m = moments(recon, truth, mask);
  if (!m.scorable()) return kNothingToScore;
  return 100 * std::sqrt(std::max(0.0, m.rr - 2 * m.rt + m.tt) / m.tt);
}

double nrmse_detrend(Values recon, Values truth, MaskValues mask) {
  auto const m = moments(recon, truth, mask);
  if (!m.scorable()) return kNothingToScore;
  double const slope = m.rt / m.tt;
  if (slope == 0) return nrmse(recon, truth, mask);  // a constant recon cannot be rescaled
  return 100 * std::sqrt(std::max(0.0, m.rr / (slope * slope) - 2 * m.rt / slope + m.tt) / m.tt);
}

double correlation(Values recon, Values truth, MaskValues mask) {
  auto const m = moments(recon, truth, mask);
  if (!m.scorable()) return kNothingToScore;
  return m.rr > 0 ? m.rt / std::sqrt(m.rr * m.tt) : 0;
}

double mean_error(Values recon, Values truth, std::span<std::uint8_t const> labels, int label) {
  double sum = 0, count = 0;
  for (std::size_t n = 0; n < labels.size(); ++n)
    if (labels[n] == label) {
      sum += recon[n] - truth[n];
      ++count;
    }
  return count > 0 ? sum / count : kNothingToScore;
}

}  // namespace qsm
