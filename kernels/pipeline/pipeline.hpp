/// The chain from raw data to susceptibility, on one device:
///
///   coils -> mask -> unwrap -> field -> background -> inversion
///
/// coils       image per coil and echo, combined so that phase = 2 pi f TE (MCPC-3D-S)
/// mask        of the first echo's magnitude: threshold, or the surface of the brain; in one piece
/// unwrap      spatial unwrapping of the first echo, echo by echo from there on
/// field       fit over the echoes [ppm], its noise and residual; data weight; R2*
/// background  V-SHARP by least squares or direct, or SHARP
/// inversion   nonlinear TV or TKD, referenced
///
/// Coils are read one volume at a time; at most one coil image is held beside the combined echoes.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "device/control.hpp"
#include "device/device.hpp"
#include "pipeline/options.hpp"
#include "pipeline/scan.hpp"

namespace qsm {

/// Names of the stages in order, as progress and reports show them.
std::vector<std::string> const& stage_names();

struct PipelineProgress {
  std::string stage;
  int stage_index = 0;          // from 0
  IterationProgress iteration;  // iteration 0 where a stage does not iterate, or just began
};

struct StageSeconds {
  std::string stage;
  double seconds = 0;
};

/// Volumes have the size of ScanDescription::matrix, x fastest, and are finite everywhere.
struct Reconstruction {
  std::vector<float> chi_ppm;            // zero outside `mask`
  std::vector<float> local_field_ppm;    // zero outside `mask`
  std::vector<float> total_field_ppm;    // zero outside `brain_mask`
  std::vector<float> weight;             // data weight of the inversion, 0..1
  std::vector<float> magnitude;          // root of the summed squares over the echoes
  std::vector<float> r2s_per_s;          // zero outside `brain_mask`; empty with too few echoes
  std::vector<float> field_noise_ppm;    // standard deviation of the total field, zero outside
                                         // `brain_mask`; empty unless options.extra asks, and
                                         // where the echoes do not tell it
  std::vector<float> uncertainty_ppm;    // standard deviation of chi by the field's noise, zero
                                         // outside `mask`; empty likewise
  std::vector<float> quality;            // of the first echo's phase, 0..1; empty likewise
  std::vector<std::uint8_t> brain_mask;  // before the background filter
  std::vector<std::uint8_t> mask;        // where chi is defined

  std::vector<StageSeconds> stage_seconds;
  std::vector<double> inversion_residuals;  // relative change per iteration
  int inversion_iterations = 0;
  Grid inversion_grid;  // padded; empty without total variation
  bool inversion_converged = true;
  double phase_scale_rad_per_ppm = 0;
  double inversion_alpha = 0;         // in effect at that scale; 0 without total variation
  double reference_ppm = 0;           // what was subtracted from chi
  std::uint64_t excluded_voxels = 0;  // unreliable voxels given no weight
  std::uint64_t peak_device_bytes = 0;
  std::vector<std::string> warnings;
};

/// Runs the chain. Throws Error: kInvalidArgument with a named reason for data it cannot use
/// (NO_COMMON_SIGNAL, EMPTY_MASK, ...), kCancelled, kOutOfMemory, kDeviceFailure,
/// kNotConverged. What it returns is finite and not identically zero.
template <class Device>
Reconstruction reconstruct(Device const& device, ScanDescription const& scan, ScanSource& source,
                           PipelineOptions const& options, std::stop_token stop = {},
                           std::function<void(PipelineProgress const&)> on_progress = {});

/// Upper estimate of the host and device memory of `reconstruct`, in bytes.
std::uint64_t estimate_peak_bytes(ScanDescription const& scan, PipelineOptions const& options);

}  // namespace qsm
