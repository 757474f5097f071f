/// Simulated head scans as the pipeline reads them, and how its maps score.
#pragma once

#include "metrics/metrics.hpp"
#include "pipeline/pipeline.hpp"
#include "simulate/scan.hpp"
#include "support/this_device.hpp"

namespace qsm::test {

/// A simulated scan as the pipeline reads it: k-space, or coil images.
class SimulatedSource : public ScanSource {
 public:
  SimulatedSource(ThisDevice const& device, HeadScan<ThisDevice>& scan, bool kspace)
      : scan_(scan), kspace_(kspace), volume_(device, scan.geometry().grid) {}

  void read(int echo, int coil, std::span<Complex> out) override {
    if (kspace_)
      scan_.coil_kspace(echo, coil, volume_.field());
    else
      scan_.coil_image(echo, coil, volume_.field());
    volume_.download(out);
  }

 private:
  HeadScan<ThisDevice>& scan_;
  bool kspace_;
  Buffer<ThisDevice, Complex> volume_;
};

inline ScanDescription describe(HeadScan<ThisDevice> const& scan, bool kspace) {
  ScanOptions const& o = scan.options();
  return {.matrix = scan.geometry().grid,
          .encoded = scan.geometry().grid,
          .voxel_mm = scan.geometry().voxel_mm,
          .b0_direction = scan.geometry().b0_direction(),
          .te_s = o.te_s,
          .b0_t = o.b0_t,
          .coils = o.coils,
          .is_kspace = kspace,
          .phase_sign = 1};
}

/// The noise-free echoes before any coil: what a scanner's own combination gives at best.
class CombinedSource : public ScanSource {
 public:
  explicit CombinedSource(HeadScan<ThisDevice> const& scan) : scan_(scan) {}

  void read(int echo, int, std::span<Complex> out) override {
    copy_to_host(device_, out.data(), scan_.signal(echo).data, out.size_bytes());
  }

 private:
  ThisDevice device_;
  HeadScan<ThisDevice> const& scan_;
};

inline ScanOptions small_head() {
  ScanOptions options;
  options.matrix = {88, 105, 79};
  options.voxel_mm = {1.8, 1.8, 1.8};
  options.coils = 4;
  options.oversampling = 2;  // the inversion must not be handed its own discretisation
  return options;
}

inline PipelineOptions quick() {
  PipelineOptions options;
  options.variational.max_iterations = 40;
  return options;
}

/// Scores against the truth in its mask; `error` is the NRMSE [%].
inline RegionScores score(HeadScan<ThisDevice> const& scan, Reconstruction const& map,
                          double* error) {
  auto const& truth = scan.truth();
  auto const chi = truth.chi_ppm.to_host();
  auto const mask = truth.mask.to_host();
  auto const labels = truth.labels.to_host();
  std::vector<double> const recon(map.chi_ppm.begin(), map.chi_ppm.end());
  std::vector<double> const expected(chi.begin(), chi.end());
  *error = nrmse(recon, expected, mask);
  LabelScheme scheme;
  scheme.deep_grey = {4, 5, 6, 7, 8, 9, 10};
  return region_scores(scan.geometry().grid, recon, expected, mask, labels, scheme);
}

}  // namespace qsm::test
