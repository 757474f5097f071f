/// A multi-echo, multi-coil gradient-echo scan of a head whose susceptibility is known.
///
/// On cells finer than the voxel (about half the mean edge, `oversampling` 2), with f = gamma B0,
///   S_e = sum over cells of PD exp(-R2* TE_e) exp(i (phi0 + 2 pi f delta TE_e))  /  cells
/// so that voxels next to the sinuses dephase as they do in a scanner. delta is the free-space
/// field of everything in the field of view (tissue, bone, air), the shim, and a receiver frequency
/// set to the mean over the brain. The head is cut at the field of view: beyond it there is air.
///
/// Coil c sees s_c S_e + n: small loops around the head, white complex noise of equal standard
/// deviation sigma per real component, uncorrelated between coils. The signal-to-noise ratio is
/// that of the optimally combined first echo:
///   snr = mean over white matter of |S_1| sqrt(sum_c |s_c|^2) / sigma
///
/// Phase grows with the field (phase sign +1). Everything is a function of the options alone.
/// Cost: five transforms of the padded cells, one sine and cosine per cell and echo. At
/// 160x192x144, 5 echoes: 23 s and 2.3 GB on two cores, then 0.11 s for each k-space volume of a
/// coil.
#pragma once

#include <cstdint>
#include <vector>

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "simulate/coil_array.hpp"
#include "simulate/head_sampling.hpp"
#include "simulate/scan_options.hpp"

namespace qsm {

/// What the scan ought to give back, at scan resolution, noise-free.
template <class Device>
struct Truth {
  Buffer<Device, std::uint8_t> labels;    // Tissue; the commonest in the voxel
  Buffer<Device, std::uint8_t> mask;      // brain: labels 1 .. 13; every cell of the voxel is brain
  Buffer<Device, float> chi_ppm;          // relative to water, mean over the voxel; 0 outside mask
  Buffer<Device, float> local_field_ppm;  // of the sources inside the mask
  Buffer<Device, float> total_field_ppm;  // of everything, shim and receiver frequency included
  Buffer<Device, float> magnitude;        // sqrt(sum_e |S_e|^2), before coils
  Buffer<Device, float> r2s;              // [1/s], mean over the voxel, without dephasing
};

template <class Device>
class HeadScan {
 public:
  /// Computes all that no coil changes. Throws Error{kInvalidArgument} on options outside the
  /// ranges above ("SCAN_OPTIONS") or if no brain lies in the field of view ("EMPTY_MASK"), and
  /// Error{kOutOfMemory}.
  HeadScan(Device const& device, ScanOptions options);

  ScanOptions const& options() const { return options_; }
  ScanGeometry const& geometry() const { return geometry_; }
  Truth<Device> const& truth() const { return truth_; }
  double noise_sigma() const { return sigma_; }  // per real component of a coil image or k-space

  /// S_e: noise-free and before any coil.
  Field<Complex const> signal(int echo) const;

  /// One coil's noisy image, or its k-space: the centred unitary transform of that very image,
  ///   k[k'] = N^-1/2 sum_n x[n] exp(-2 pi i (k' - Nc)(n - Nc) / N) per axis,  Nc = floor(N/2).
  /// `out` has the matrix's grid. Any order, any number of times, always the same bytes.
  void coil_image(int echo, int coil, Field<Complex> out) const;
  void coil_kspace(int echo, int coil, Field<Complex> out);

  /// Device bytes at the peak of the constructor, for a caller that must know beforehand.
  static std::size_t memory_bytes(ScanOptions const& options);

 private:
  void simulate_fields(SampledHead<Device>& head);
  void simulate_echoes(SampledHead<Device> const& head);
  void set_noise();
  void shifted_image(int echo, int coil, Index3 shift, Field<Complex> out) const;

  Device const* device_;
  ScanOptions options_;
  ScanGeometry geometry_;
  Cells cells_;
  Truth<Device> truth_;
  std::vector<Buffer<Device, Complex>> signals_;  // per echo
  std::vector<Coil> coils_;
  double sigma_ = 0;
  ComplexFft<Device> fft_;
  Buffer<Device, Complex> work_;
};

}  // namespace qsm
