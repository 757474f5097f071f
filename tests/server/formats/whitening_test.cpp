#include "formats/whitening.hpp"

#include <cmath>
#include <limits>
#include <random>

#include "small_exam.hpp"

namespace chistream::test {

namespace {

using Sample = std::complex<float>;
using Matrix = std::vector<std::vector<std::complex<double>>>;

/// Noise of `channels` channels, mixed so that each hears the others; sample fastest.
std::vector<Sample> mixed_noise(std::size_t channels, std::size_t samples, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Sample> noise(channels * samples);
  for (std::size_t s = 0; s < samples; ++s) {
    std::complex<double> last = 0;
    for (std::size_t c = 0; c < channels; ++c) {
      std::complex<double> const own(normal(random), normal(random));
      last = (1.0 + static_cast<double>(c)) * own + std::complex<double>(0.4, -0.7) * last;
      noise[c * samples + s] = Sample(last);
    }
  }
  return noise;
}

/// E[n n^H], straight from the samples.
Matrix covariance_of(std::vector<Sample> const& noise, std::size_t channels) {
  std::size_t const samples = noise.size() / channels;
  Matrix psi(channels, std::vector<std::complex<double>>(channels));
  for (std::size_t a = 0; a < channels; ++a)
    for (std::size_t b = 0; b < channels; ++b) {
      for (std::size_t s = 0; s < samples; ++s)
        psi[a][b] += std::complex<double>(noise[a * samples + s]) *
                     std::conj(std::complex<double>(noise[b * samples + s]));
      psi[a][b] /= static_cast<double>(samples);
    }
  return psi;
}

std::vector<Sample> whitened(Whitening const& whitening, std::vector<Sample> const& noise,
                             std::size_t channels) {
  std::size_t const samples = noise.size() / channels;
  std::vector<Sample> out(whitening.channels() * samples);
  whitening.apply(noise, samples, out);
  return out;
}

}  // namespace

TEST(Whitening, LeavesUnitNoiseThatIsIndependent) {
  for (std::size_t const channels : {1u, 8u, 64u}) {
    std::size_t const samples = 20000;
    auto const noise = mixed_noise(channels, samples, 1);
    NoiseScan scan(channels);
    scan.add(noise);
    auto const white = whitened(Whitening(scan, 1), noise, channels);
    auto const psi = covariance_of(white, channels);
    for (std::size_t a = 0; a < channels; ++a)
      for (std::size_t b = 0; b < channels; ++b)  // 2: one for the real, one for the imaginary part
        EXPECT_NEAR(std::abs(psi[a][b] - (a == b ? 2.0 : 0.0)), 0, 2e-3) << channels;
  }
}

TEST(Whitening, ANarrowerImageBandwidthHasLessNoise) {
  auto const noise = mixed_noise(3, 5000, 2);
  NoiseScan scan(3);
  scan.add(noise);
  auto const psi = covariance_of(whitened(Whitening(scan, 4), noise, 3), 3);
  EXPECT_NEAR(psi[2][2].real(), 8, 0.02);  // the image's own noise is a quarter of this
}

TEST(Whitening, DropsADeadChannelAndBearsADuplicate) {
  std::size_t const samples = 4000;
  auto noise = mixed_noise(5, samples, 3);
  std::fill_n(noise.begin() + 1 * samples, samples, Sample());                     // dead
  std::copy_n(noise.begin() + 2 * samples, samples, noise.begin() + 4 * samples);  // twice
  NoiseScan scan(5);
  scan.add(noise);
  Whitening const whitening(scan, 1);
  EXPECT_EQ(whitening.dropped(), std::vector<std::uint32_t>{1});
  EXPECT_EQ(whitening.channels(), 4u);
  EXPECT_TRUE(whitening.regularised());
  auto const psi = covariance_of(whitened(whitening, noise, 5), 4);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(psi[c][c].real(), 2, 0.01);
  EXPECT_LT(psi[3][3].real(), 2);  // what the duplicate adds is next to nothing
  EXPECT_TRUE(std::isfinite(psi[3][3].real()));
}

TEST(Whitening, LeavesOutWhatIsNotFiniteAndNamesWhatDoesNotSuffice) {
  auto noise = mixed_noise(2, 1000, 4);
  noise[17] = {std::numeric_limits<float>::quiet_NaN(), 0};
  noise[1400] = {0, std::numeric_limits<float>::infinity()};
  NoiseScan scan(2);
  scan.add(noise);
  EXPECT_EQ(scan.samples(), 998u);
  EXPECT_EQ(scan.left_out(), 2u);
  EXPECT_EQ(Whitening(scan, 1).channels(), 2u);

  NoiseScan brief(4);
  brief.add(mixed_noise(4, 7, 5));
  EXPECT_EQ(reason_of([&] { Whitening(brief, 1); }), "NOISE_TOO_SHORT");
  NoiseScan silent(2);
  silent.add(std::vector<Sample>(200));
  EXPECT_EQ(reason_of([&] { Whitening(silent, 1); }), "NOISE_EMPTY");
}

}  // namespace chistream::test
