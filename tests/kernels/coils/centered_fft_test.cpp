#include "coils/centered_fft.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "support/this_device.hpp"

namespace qsm {
namespace {

using CenteredFftTest = test::DeviceTest;
using Value = std::complex<double>;

constexpr Grid kSizes[] = {{7, 5, 6}, {8, 3, 9}, {6, 4, 8}, {1, 5, 2}, {13, 11, 7}};

std::vector<Complex> random_volume(Grid g, unsigned seed = 7) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Complex> values(g.size());
  for (auto& v : values) v = {normal(random), normal(random)};
  return values;
}

Value value(Complex v) {
  return {v.re, v.im};
}

double turns(Grid g, Index3 k, Index3 n) {
  auto const along = [](int a, int b, int size) {
    return static_cast<double>((a - size / 2) * (b - size / 2)) / size;
  };
  return along(k.x, n.x, g.nx) + along(k.y, n.y, g.ny) + along(k.z, n.z, g.nz);
}

TEST_F(CenteredFftTest, InverseIsTheDefinition) {
  for (Grid const g : kSizes) {
    auto const s = random_volume(g);
    CenteredFft<ThisDevice> const fft(device(), g);
    Buffer<ThisDevice, Complex> data(device(), g, s);

    fft.inverse(data.field());

    auto const image = data.to_host();
    for (std::size_t n = 0; n < image.size(); ++n) {
      Value expected = 0;
      for (std::size_t k = 0; k < s.size(); ++k)
        expected +=
            value(s[k]) * std::polar(1.0, 2 * std::numbers::pi * turns(g, g.index(k), g.index(n)));
      expected /= std::sqrt(static_cast<double>(g.size()));
      EXPECT_NEAR(std::abs(value(image[n]) - expected), 0, 2e-6);
    }
  }
}

TEST_F(CenteredFftTest, CentreSampleGivesAConstantPositiveImage) {
  for (Grid const g : kSizes) {
    std::vector<Complex> s(g.size());
    s[g.linear({g.nx / 2, g.ny / 2, g.nz / 2})] = {1, 0};
    CenteredFft<ThisDevice> const fft(device(), g);
    Buffer<ThisDevice, Complex> data(device(), g, s);

    fft.inverse(data.field());

    float const expected = 1 / std::sqrt(static_cast<float>(g.size()));
    for (Complex const v : data.to_host()) {
      EXPECT_NEAR(v.re, expected, 1e-6);
      EXPECT_NEAR(v.im, 0, 1e-6);
    }
  }
}

TEST_F(CenteredFftTest, SampleBesideTheCentreGivesAPositiveRamp) {
  for (Grid const g : kSizes)
    for (int axis : {0, 1, 2}) {
      if (g.extent(axis) < 3) continue;
      Index3 at{g.nx / 2, g.ny / 2, g.nz / 2};
      (axis == 0 ? at.x : axis == 1 ? at.y : at.z) += 1;
      std::vector<Complex> s(g.size());
      s[g.linear(at)] = {1, 0};
      CenteredFft<ThisDevice> const fft(device(), g);
      Buffer<ThisDevice, Complex> data(device(), g, s);

      fft.inverse(data.field());

      auto const image = data.to_host();
      for (std::size_t n = 0; n < image.size(); ++n) {
        Index3 const i = g.index(n);
        int const c = axis == 0 ? i.x : axis == 1 ? i.y : i.z;
        int const size = g.extent(axis);
        Value const expected =
            std::polar(1 / std::sqrt(static_cast<double>(g.size())),
                       2 * std::numbers::pi * (c - size / 2) / static_cast<double>(size));
        EXPECT_NEAR(std::abs(value(image[n]) - expected), 0, 1e-6);
      }
    }
}

TEST_F(CenteredFftTest, IsUnitary) {
  for (Grid const g : kSizes) {
    auto const x = random_volume(g, 1);
    auto const y = random_volume(g, 2);
    CenteredFft<ThisDevice> const fft(device(), g);
    Buffer<ThisDevice, Complex> a(device(), g, x), b(device(), g, y);

    fft.forward(a.field());
    fft.inverse(b.field());

    auto const fx = a.to_host();
    auto const fy = b.to_host();
    Value left = 0, right = 0;  // <F x, y> = <x, F^H y>
    double energy = 0, energy_after = 0;
    for (std::size_t n = 0; n < x.size(); ++n) {
      left += value(fx[n]) * std::conj(value(y[n]));
      right += value(x[n]) * std::conj(value(fy[n]));
      energy += std::norm(value(x[n]));
      energy_after += std::norm(value(fx[n]));
    }
    EXPECT_NEAR(std::abs(left - right), 0, 1e-6 * energy);
    EXPECT_NEAR(energy_after, energy, 1e-6 * energy);

    fft.inverse(a.field());
    auto const back = a.to_host();
    for (std::size_t n = 0; n < x.size(); ++n)
      EXPECT_NEAR(std::abs(value(back[n]) - value(x[n])), 0, 2e-6);
  }
}

TEST_F(CenteredFftTest, CropKeepsTheCentreAndPadsWithZeros) {
  for (auto const& [from, to] :
       {std::pair{Grid{8, 7, 6}, Grid{4, 7, 9}}, std::pair{Grid{9, 5, 5}, Grid{4, 3, 6}},
        std::pair{Grid{8, 4, 3}, Grid{5, 6, 3}}}) {
    auto const x = random_volume(from);
    Buffer<ThisDevice, Complex> in(device(), from, x), out(device(), to);

    crop_centered(device(), in.view(), out.field());

    auto const y = out.to_host();
    for (std::size_t n = 0; n < y.size(); ++n) {
      Index3 const i = to.index(n);
      Index3 const j{i.x - to.nx / 2 + from.nx / 2, i.y - to.ny / 2 + from.ny / 2,
                     i.z - to.nz / 2 + from.nz / 2};
      Complex const expected = from.contains(j) ? x[from.linear(j)] : Complex{};
      EXPECT_EQ(y[n].re, expected.re);
      EXPECT_EQ(y[n].im, expected.im);
    }
  }
}

}  // namespace
}  // namespace qsm
