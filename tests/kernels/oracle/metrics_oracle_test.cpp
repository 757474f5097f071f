// Scores against their definitions, window by window. Both sides are double: only the order of sums
// differs, so 1e-10 of the value is generous.
#include <gtest/gtest.h>

#include "metrics/metrics.hpp"
#include "support/oracle_metrics.hpp"

namespace qsm {
namespace {

struct Maps {
  oracle::Real truth, recon;
  oracle::Mask mask;
};

std::vector<Maps> cases() {
  std::vector<Maps> all;
  for (oracle::Size const s : {oracle::Size{7, 5, 6}, {12, 9, 10}, {20, 19, 21}}) {
    Maps m{oracle::random_volume(s, 1), oracle::random_volume(s, 2), oracle::ellipsoid(s)};
    for (std::size_t n = 0; n < m.truth.data.size(); ++n) {
      m.truth.data[n] *= 0.05;
      m.recon.data[n] = 0.8 * m.truth.data[n] + 0.02 * m.recon.data[n] + 0.01;
    }
    all.push_back(m);
  }
  return all;
}

Grid grid_of(Maps const& m) {
  return {m.mask.size.nx, m.mask.size.ny, m.mask.size.nz};
}

TEST(MetricsOracle, ErrorsAndCorrelation) {
  for (Maps const& m : cases()) {
    EXPECT_NEAR(nrmse(m.recon.data, m.truth.data, m.mask.data),
                oracle::nrmse(m.recon, m.truth, m.mask), 1e-8);
    EXPECT_NEAR(nrmse_detrend(m.recon.data, m.truth.data, m.mask.data),
                oracle::nrmse_detrend(m.recon, m.truth, m.mask), 1e-8);
    EXPECT_NEAR(correlation(m.recon.data, m.truth.data, m.mask.data),
                oracle::correlation(m.recon, m.truth, m.mask), 1e-10);
  }
}

TEST(MetricsOracle, StructuralSimilarity) {
  for (Maps const& m : cases())
    EXPECT_NEAR(xsim(grid_of(m), m.recon.data, m.truth.data, m.mask.data),
                oracle::xsim(m.recon, m.truth, m.mask), 1e-9);
}

TEST(MetricsOracle, HighFrequencyError) {
  for (Maps const& m : cases())
    EXPECT_NEAR(hfen(grid_of(m), m.recon.data, m.truth.data, m.mask.data),
                oracle::hfen(m.recon, m.truth, m.mask), 1e-8);
}

}  // namespace
}  // namespace qsm
