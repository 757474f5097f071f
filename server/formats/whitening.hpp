/// Makes the noise of the receive channels alike and independent, from a scan of noise alone.
///
///   Psi = 1 / (J - 1) sum_j (n_j - mean)(n_j - mean)^H  = L L^H      over J samples n_j of C
///   s'  = (2 rho)^(1/2) L^(-1) s                                     per sample of k-space
///
/// leaves noise of variance 1 in every real and imaginary part, and, the transforms to the image
/// being unitary, there too. rho = (dwell of the image / dwell of the noise) x relative receiver
/// bandwidth brings the noise scan to the image's bandwidth.
///   (Kellman and McVeigh, MRM 2005;54:1439; the ISMRMRD tools use the same scale.)
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace chistream {

/// Adds up noise samples, in double.
class NoiseScan {
 public:
  explicit NoiseScan(std::size_t channels);

  /// channels x n values, sample fastest. A sample that is not finite in one channel is left out.
  void add(std::span<std::complex<float> const> values);

  std::size_t channels() const { return channels_; }
  std::uint64_t samples() const { return samples_; }
  std::uint64_t left_out() const { return left_out_; }

  /// Psi, C x C, row by row. At least two samples.
  std::vector<std::complex<double>> covariance() const;

 private:
  std::size_t channels_;
  std::uint64_t samples_ = 0, left_out_ = 0;
  std::vector<std::complex<double>> sum_, products_;
};

/// (2 rho)^(1/2) L^(-1) over the channels that receive.
class Whitening {
 public:
  /// Channels with less than 1e-6 of the largest variance are dead and dropped. Where Psi of the
  /// others is singular (one signal on two channels), 1e-6 of its mean variance is added to the
  /// diagonal. Throws FormatError: NOISE_TOO_SHORT (fewer samples than twice the channels),
  /// NOISE_EMPTY (no channel holds noise).
  Whitening(NoiseScan const& noise, double bandwidth_ratio);

  std::size_t channels() const { return kept_.size(); }
  std::vector<std::uint32_t> const& dropped() const { return dropped_; }
  bool regularised() const { return regularised_; }

  /// `in`: all channels x samples; `out`: channels() x samples, apart from `in`. C^2 / 2 complex
  /// multiplications per sample.
  void apply(std::span<std::complex<float> const> in, std::size_t samples,
             std::span<std::complex<float>> out) const;

 private:
  std::vector<std::uint32_t> kept_, dropped_;
  std::vector<std::complex<float>> matrix_;  // channels() x channels(), lower triangle
  bool regularised_ = false;
};

}  // namespace chistream
