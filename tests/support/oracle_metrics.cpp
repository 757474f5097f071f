#include "support/oracle_metrics.hpp"

#include <cmath>

namespace qsm::oracle {
namespace {

struct Moments {
  double mean_x = 0, mean_y = 0, var_x = 0, var_y = 0, cov = 0;  // population: divided by n
};

Moments moments(std::vector<double> const& x, std::vector<double> const& y) {
  Moments m;
  double const n = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    m.mean_x += x[i] / n;
    m.mean_y += y[i] / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    m.var_x += (x[i] - m.mean_x) * (x[i] - m.mean_x) / n;
    m.var_y += (y[i] - m.mean_y) * (y[i] - m.mean_y) / n;
    m.cov += (x[i] - m.mean_x) * (y[i] - m.mean_y) / n;
  }
  return m;
}

std::vector<double> inside(Real const& x, Mask const& mask) {
  std::vector<double> values;
  for (std::size_t n = 0; n < x.data.size(); ++n)
    if (mask.data[n]) values.push_back(x.data[n]);
  return values;
}

double relative_error(std::vector<double> const& x, std::vector<double> const& y) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    error += (x[i] - y[i]) * (x[i] - y[i]);
    size += y[i] * y[i];
  }
  return 100 * std::sqrt(error / size);
}

std::vector<double> demeaned(std::vector<double> x) {
  double mean = 0;
  for (double const v : x) mean += v / static_cast<double>(x.size());
  for (double& v : x) v -= mean;
  return x;
}

int mirrored(int i, int n) {
  while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
  return i;
}

}  // namespace

double nrmse(Real const& recon, Real const& truth, Mask const& mask) {
  return relative_error(demeaned(inside(recon, mask)), demeaned(inside(truth, mask)));
}

double nrmse_detrend(Real const& recon, Real const& truth, Mask const& mask) {
  auto const t = inside(truth, mask);
  auto r = inside(recon, mask);
  Moments const m = moments(r, t);
  double const slope = m.cov / m.var_y;
  for (double& v : r) v = (v - m.mean_x) / slope + m.mean_y;
  return relative_error(demeaned(r), demeaned(t));
}

double correlation(Real const& recon, Real const& truth, Mask const& mask) {
  Moments const m = moments(inside(recon, mask), inside(truth, mask));
  return m.cov / std::sqrt(m.var_x * m.var_y);
}

double xsim(Real const& recon, Real const& truth, Mask const& mask) {
  double const c1 = 1e-4, c2 = 1e-6;
  double sum = 0, count = 0;
  every_voxel(mask.size, [&](Voxel v) {
    if (!mask.at(v)) return;
    std::vector<double> x, y;
    for (int k = v.k - 2; k <= v.k + 2; ++k)
      for (int j = v.j - 2; j <= v.j + 2; ++j)
        for (int i = v.i - 2; i <= v.i + 2; ++i)
          if (mask.contains({i, j, k})) {
            x.push_back(recon.at({i, j, k}));
            y.push_back(truth.at({i, j, k}));
          }
    Moments const m = moments(x, y);
    sum += (2 * m.mean_x * m.mean_y + c1) * (2 * m.cov + c2) /
           ((m.mean_x * m.mean_x + m.mean_y * m.mean_y + c1) * (m.var_x + m.var_y + c2));
    count += 1;
  });
  return sum / count;
}

Real laplacian_of_gaussian(Real const& x) {
  double const sigma2 = 1.5 * 1.5;
  int const radius = 8;  // 5 sigma = 7.5, rounded
  std::vector<double> g;
  double total = 0;
  for (int o = -radius; o <= radius; ++o) {
    g.push_back(std::exp(-0.5 * o * o / sigma2));
    total += g.back();
  }
  auto const weight = [&](int o) { return g[static_cast<std::size_t>(o + radius)] / total; };
  auto const second = [&](int o) { return (o * o / sigma2 - 1) / sigma2; };
  Real log(x.size);
  every_voxel(x.size, [&](Voxel v) {
    double sum = 0;
    for (int k = -radius; k <= radius; ++k)
      for (int j = -radius; j <= radius; ++j)
        for (int i = -radius; i <= radius; ++i)
          sum += (second(i) + second(j) + second(k)) * weight(i) * weight(j) * weight(k) *
                 x.at({mirrored(v.i + i, x.size.nx), mirrored(v.j + j, x.size.ny),
                       mirrored(v.k + k, x.size.nz)});
    log.at(v) = sum;
  });
  return log;
}

double hfen(Real const& recon, Real const& truth, Mask const& mask) {
  Real r = recon, t = truth;
  for (std::size_t n = 0; n < r.data.size(); ++n)
    if (!mask.data[n]) r.data[n] = t.data[n] = 0;
  return relative_error(inside(laplacian_of_gaussian(r), mask),
                        inside(laplacian_of_gaussian(t), mask));
}

}  // namespace qsm::oracle
