#include "formats/whitening.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "formats/format_error.hpp"

namespace chistream {

namespace {

using Value = std::complex<double>;

constexpr double kNegligible = 1e-6;

/// L of Psi = L L^H in place of Psi's lower triangle; false where Psi is singular.
bool cholesky(std::vector<Value>& psi, std::size_t n) {
  double largest = 0;
  for (std::size_t c = 0; c < n; ++c) largest = std::max(largest, psi[c * n + c].real());
  for (std::size_t row = 0; row < n; ++row)
    for (std::size_t col = 0; col <= row; ++col) {
      Value sum = psi[row * n + col];
      for (std::size_t k = 0; k < col; ++k) sum -= psi[row * n + k] * std::conj(psi[col * n + k]);
      if (row != col) {
        psi[row * n + col] = sum / psi[col * n + col];
      } else if (sum.real() > 1e-3 * kNegligible * largest) {
        psi[row * n + row] = std::sqrt(sum.real());
      } else {
        return false;
      }
    }
  return true;
}

/// Inverse of a lower triangular matrix, column by column.
std::vector<Value> inverse(std::vector<Value> const& lower, std::size_t n) {
  std::vector<Value> result(n * n);
  for (std::size_t col = 0; col < n; ++col)
    for (std::size_t row = col; row < n; ++row) {
      Value sum = row == col ? 1 : 0;
      for (std::size_t k = col; k < row; ++k) sum -= lower[row * n + k] * result[k * n + col];
      result[row * n + col] = sum / lower[row * n + row];
    }
  return result;
}

bool finite(std::complex<float> v) {
  return std::isfinite(v.real()) && std::isfinite(v.imag());
}

}  // namespace

NoiseScan::NoiseScan(std::size_t channels)
    : channels_(channels), sum_(channels), products_(channels * channels) {}

void NoiseScan::add(std::span<std::complex<float> const> values) {
  std::size_t const count = values.size() / channels_;
  std::vector<Value> sample(channels_);
  for (std::size_t s = 0; s < count; ++s) {
    bool usable = true;
    for (std::size_t c = 0; c < channels_; ++c) {
      usable = usable && finite(values[c * count + s]);
      sample[c] = values[c * count + s];
    }
    if (!usable) {
      ++left_out_;
      continue;
    }
    ++samples_;
    for (std::size_t a = 0; a < channels_; ++a) {
      sum_[a] += sample[a];
      for (std::size_t b = 0; b <= a; ++b)
        products_[a * channels_ + b] += sample[a] * std::conj(sample[b]);
    }
  }
}

std::vector<Value> NoiseScan::covariance() const {
  std::vector<Value> psi(products_.size());
  auto const count = static_cast<double>(samples_);
  for (std::size_t a = 0; a < channels_; ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      Value const v =
          (products_[a * channels_ + b] - sum_[a] * std::conj(sum_[b]) / count) / (count - 1);
      psi[a * channels_ + b] = v;
      psi[b * channels_ + a] = std::conj(v);
    }
  return psi;
}

Whitening::Whitening(NoiseScan const& noise, double bandwidth_ratio) {
  if (noise.samples() < 2 * noise.channels())
    throw FormatError("NOISE_TOO_SHORT", std::to_string(noise.samples()) + " noise samples for " +
                                             std::to_string(noise.channels()) + " channels");
  std::size_t const all = noise.channels();
  auto const psi = noise.covariance();
  double largest = 0;
  for (std::size_t c = 0; c < all; ++c) largest = std::max(largest, psi[c * all + c].real());
  if (!(largest > 0) || !std::isfinite(largest))
    throw FormatError("NOISE_EMPTY", "no channel of the noise scan holds noise");
  for (std::uint32_t c = 0; c < all; ++c)
    (psi[c * all + c].real() < kNegligible * largest ? dropped_ : kept_).push_back(c);

  std::size_t const n = kept_.size();
  std::vector<Value> lower(n * n);
  double trace = 0;
  auto const fill = [&](double added) {
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b)
        lower[a * n + b] = psi[kept_[a] * all + kept_[b]] + (a == b ? added : 0.0);
  };
  for (auto const c : kept_) trace += psi[c * all + c].real();
  fill(0);
  if (!cholesky(lower, n)) {
    regularised_ = true;
    fill(kNegligible * trace / static_cast<double>(n));
    if (!cholesky(lower, n)) throw FormatError("NOISE_EMPTY", "the noise has no covariance");
  }
  double const scale = std::sqrt(2 * bandwidth_ratio);
  for (Value const v : inverse(lower, n)) matrix_.emplace_back(scale * v);
}

void Whitening::apply(std::span<std::complex<float> const> in, std::size_t samples,
                      std::span<std::complex<float>> out) const {
  std::size_t const n = kept_.size();
  std::fill(out.begin(), out.end(), std::complex<float>());
  for (std::size_t row = 0; row < n; ++row)
    for (std::size_t col = 0; col <= row; ++col) {
      // As floats: std::complex's product asks about infinities and does not vectorise.
      auto const* const from = reinterpret_cast<float const*>(in.data() + kept_[col] * samples);
      auto* const to = reinterpret_cast<float*>(out.data() + row * samples);
      float const re = matrix_[row * n + col].real(), im = matrix_[row * n + col].imag();
      for (std::size_t s = 0; s < 2 * samples; s += 2) {
        to[s] += re * from[s] - im * from[s + 1];
        to[s + 1] += re * from[s + 1] + im * from[s];
      }
    }
}

}  // namespace chistream
