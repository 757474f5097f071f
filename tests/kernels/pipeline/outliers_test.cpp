// Wrong voxels of a field estimate, found by the chain's own rules and by who knows the truth.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "inversion/variational.hpp"
#include "metrics/metrics.hpp"
#include "pipeline/total_field.hpp"
#include "support/nifti_file.hpp"
#include "support/real_data.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

/// The simulated head's echoes with the noise of a scan, SNR 40 in the first. Inside a voxel the
/// field varies linearly, so the signal is that of its middle times one sinc per axis: beside the
/// sinuses it vanishes, and beyond a zero its phase is turned by pi.
struct NoisyHead {
  explicit NoisyHead(std::string const& folder)
      : total(test::read_nifti(folder + "total_field.nii.gz")),
        local(test::read_nifti(folder + "local_field.nii.gz").data),
        mask(test::read_nifti(folder + "mask.nii.gz").as_mask()),
        chi(test::read_nifti(folder + "chi.nii.gz").as_double()) {
    scan.matrix = scan.encoded = total.grid;
    scan.voxel_mm = total.voxel_mm;
    scan.te_s = {0.004, 0.010, 0.016, 0.022, 0.028};
    scan.is_kspace = false;
  }

  double field_hz(Index3 i) const {
    Grid const g = scan.matrix;
    Index3 const inside{std::clamp(i.x, 0, g.nx - 1), std::clamp(i.y, 0, g.ny - 1),
                        std::clamp(i.z, 0, g.nz - 1)};
    return kGammaBar * scan.b0_t * static_cast<double>(total.data[g.linear(inside)]);
  }
  double dephasing(Index3 i, double te_s) const {
    double product = 1;
    for (int axis = 0; axis < 3; ++axis) {
      Index3 up = i, down = i;
      (axis == 0 ? up.x : axis == 1 ? up.y : up.z) += 1;
      (axis == 0 ? down.x : axis == 1 ? down.y : down.z) -= 1;
      double const turns = (field_hz(up) - field_hz(down)) / 2 * te_s;  // across the voxel
      double const x = std::numbers::pi * turns;
      product *= std::abs(x) < 1e-9 ? 1 : std::sin(x) / x;
    }
    return product;
  }

  CombinedEchoes<ThisDevice> echoes(ThisDevice const& device) const {
    CombinedEchoes<ThisDevice> made;
    std::mt19937 random(5);
    std::normal_distribution<double> noise(0, 1.0 / 40);
    std::vector<float> magnitude(mask.size()), phase(mask.size());
    for (double const te : scan.te_s) {
      for (std::size_t n = 0; n < mask.size(); ++n) {
        Index3 const i = scan.matrix.index(n);
        double const m = std::exp(-20 * (te - scan.te_s[0])) * dephasing(i, te);
        double const angle = 2 * std::numbers::pi * te * field_hz(i);
        double const re = m * std::cos(angle) + noise(random);
        double const im = m * std::sin(angle) + noise(random);
        magnitude[n] = static_cast<float>(std::hypot(re, im));
        phase[n] = static_cast<float>(std::atan2(im, re));
      }
      made.magnitude.emplace_back(device, scan.matrix, magnitude);
      made.phase.emplace_back(device, scan.matrix, phase);
    }
    return made;
  }

  test::NiftiVolume total;
  std::vector<float> local;
  std::vector<std::uint8_t> mask;
  std::vector<double> chi;
  ScanDescription scan;
};

class OutliersTest : public test::DeviceTest {
 protected:
  struct Estimate {
    std::vector<float> field_ppm, weight;
    double phase_scale;
  };
  Estimate estimate(NoisyHead const& head, CombinedEchoes<ThisDevice> const& echoes,
                    PipelineOptions const& options) const {
    Buffer<ThisDevice, std::uint8_t> mask(device(), head.scan.matrix, head.mask);
    auto const total = estimate_field(device(), head.scan, options, mask.field(), echoes);
    return {total.field_ppm.to_host(), total.weight.to_host(),
            2 * std::numbers::pi * kGammaBar * head.scan.b0_t * total.effective_te_s};
  }

  /// NRMSE of nonlinear TV on the estimate less the true background.
  double error(NoisyHead const& head, Estimate const& e) const {
    std::vector<float> local(e.field_ppm.size());
    for (std::size_t n = 0; n < local.size(); ++n)
      local[n] = head.mask[n] ? e.field_ppm[n] - (head.total.data[n] - head.local[n]) : 0.0f;
    Grid const g = head.scan.matrix;
    Buffer<ThisDevice, float> const field(device(), g, local), weight(device(), g, e.weight);
    Buffer<ThisDevice, std::uint8_t> const mask(device(), g, head.mask);
    Buffer<ThisDevice, float> chi(device(), g);
    invert_variational(device(), head.scan.voxel_mm, {0, 0, 1}, e.phase_scale, field.view(),
                       mask.view(), weight.view(), {.max_iterations = 50}, chi.field(), {});
    auto const map = chi.to_host();
    return nrmse(std::vector<double>(map.begin(), map.end()), head.chi, head.mask);
  }
};

TEST_F(OutliersTest, AreFoundNearlyAsWellAsByHand) {
  auto const folder = test::real_data("head-phantom/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  NoisyHead const head(folder);
  PipelineOptions const options;
  PipelineOptions trusting;
  trusting.reliability = {.residual_sigmas = 1e3,
                          .residual_min_rad = 1e3,
                          .residual_max_rad = 1e3,
                          .leap_turns = 1e3,
                          .leap_sigmas = 1e3};

  auto echoes = head.echoes(device());
  {
    Buffer<ThisDevice, std::uint8_t> mask(device(), head.scan.matrix, head.mask);
    unwrap_echoes(device(), head.scan, options.unwrap, mask.field(), echoes);
  }
  auto const judged = estimate(head, echoes, options);
  auto const all = estimate(head, echoes, trusting);
  auto by_hand = all, blind = all;
  std::size_t wrong = 0, found = 0, excluded = 0;
  for (std::size_t n = 0; n < by_hand.weight.size(); ++n) {
    if (!head.mask[n]) continue;
    bool const outlier = std::abs(all.field_ppm[n] - head.total.data[n]) > 0.05f;
    if (outlier) by_hand.weight[n] = 0;
    blind.weight[n] = 1;
    wrong += outlier;
    excluded += judged.weight[n] == 0;
    found += outlier && judged.weight[n] == 0;
  }
  double const of_blind = error(head, blind), of_chain = error(head, judged),
               of_hand = error(head, by_hand);
  std::printf(
      "%zu wrong, %zu excluded, %zu of the wrong; nrmse %.1f without weights, %.2f by the "
      "chain, %.2f by hand\n",
      wrong, excluded, found, of_blind, of_chain, of_hand);
  EXPECT_LT(of_chain, 1.15 * of_hand);
  EXPECT_GT(of_blind, 1.15 * of_hand) << "the outliers do no harm: nothing was shown";
}

}  // namespace
}  // namespace qsm
