#include "device/fft.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using test::DeviceTest;
using FftTest = DeviceTest;

std::vector<float> random_volume(Grid grid) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(grid.size());
  for (float& v : values) v = normal(random);
  return values;
}

// X[k] = sum x exp(-2 pi i k n / N), summed directly.
std::complex<double> naive_dft(std::vector<float> const& x, Grid g, Index3 k) {
  std::complex<double> sum = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    Index3 const i = g.index(n);
    double const turns = static_cast<double>(k.x * i.x) / g.nx +
                         static_cast<double>(k.y * i.y) / g.ny +
                         static_cast<double>(k.z * i.z) / g.nz;
    sum += static_cast<double>(x[n]) * std::polar(1.0, -2 * std::numbers::pi * turns);
  }
  return sum;
}

TEST_F(FftTest, RealForwardIsTheDefinitionOnOddAndEvenSizes) {
  for (Grid const g : {Grid{7, 5, 6}, Grid{8, 3, 9}}) {
    auto const x = random_volume(g);
    RealFft<ThisDevice> const fft(device(), g);
    Buffer<ThisDevice, float> in(device(), g, x);
    Buffer<ThisDevice, Complex> out(device(), fft.half());

    fft.forward(in.view(), out.field());

    auto const spectrum = out.to_host();
    for (std::size_t n = 0; n < spectrum.size(); ++n) {
      auto const expected = naive_dft(x, g, fft.half().index(n));
      EXPECT_NEAR(static_cast<double>(spectrum[n].re), expected.real(), 1e-4);
      EXPECT_NEAR(static_cast<double>(spectrum[n].im), expected.imag(), 1e-4);
    }
  }
}

TEST_F(FftTest, RealInverseUndoesForward) {
  Grid const g{67, 33, 9};
  auto const x = random_volume(g);
  RealFft<ThisDevice> const fft(device(), g);
  Buffer<ThisDevice, float> volume(device(), g, x);
  Buffer<ThisDevice, Complex> spectrum(device(), fft.half());

  fft.forward(volume.view(), spectrum.field());
  fft.inverse(spectrum.field(), volume.field());

  auto const back = volume.to_host();
  for (std::size_t n = 0; n < x.size(); ++n) EXPECT_NEAR(back[n] * fft.scale(), x[n], 1e-5);
}

TEST_F(FftTest, AxisByAxisEqualsThreeDimensional) {
  Grid const g{6, 7, 5};
  auto const re = random_volume(g);
  std::vector<Complex> x(g.size());
  for (std::size_t n = 0; n < x.size(); ++n) x[n] = {re[n], re[(n * 3 + 1) % x.size()]};
  Buffer<ThisDevice, Complex> whole(device(), g, x);
  Buffer<ThisDevice, Complex> by_axis(device(), g, x);

  ComplexFft<ThisDevice>(device(), g).forward(whole.field());
  for (int axis : {0, 1, 2}) ComplexFft<ThisDevice>(device(), g, axis).forward(by_axis.field());

  auto const a = whole.to_host();
  auto const b = by_axis.to_host();
  for (std::size_t n = 0; n < a.size(); ++n) {
    EXPECT_NEAR(a[n].re, b[n].re, 1e-4);
    EXPECT_NEAR(a[n].im, b[n].im, 1e-4);
  }
}

TEST(FastSize, IsTheNextSmoothNumber) {
  EXPECT_EQ(fast_size(1), 1);
  EXPECT_EQ(fast_size(11), 12);
  EXPECT_EQ(fast_size(169), 175);
  EXPECT_EQ(fast_size(211), 216);
  EXPECT_EQ(fastest_size(1), 2);
  EXPECT_EQ(fastest_size(12), 12);
  EXPECT_EQ(fastest_size(169), 180);
  EXPECT_EQ(fastest_size(189), 192);
}

}  // namespace
}  // namespace qsm
