#include "device/filter_pairs.hpp"

#include <random>
#include <vector>

#include "device/buffer.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using FilterPairsTest = test::DeviceTest;

/// A + i B -> 2 A D(k) + i (A - B), which needs both parts told apart and knows its k.
struct Mix {
  Field<float const> factor;  // half spectrum
  QSM_HD void operator()(Index3 k, Complex& at, Complex& mirror) const {
    Complex const p = at, r = conj(mirror);
    Complex const a = 0.5f * (p + r), b = {0.5f * (p.im - r.im), 0.5f * (r.re - p.re)};
    Complex const first = (2 * factor[k]) * a, second = a - b;
    at = {first.re - second.im, first.im + second.re};
    mirror = {first.re + second.im, second.re - first.im};
  }
};

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

/// The same with two real transforms, kept apart throughout.
std::vector<Complex> by_real_transforms(ThisDevice const& device, Grid g,
                                        std::vector<float> const& a, std::vector<float> const& b,
                                        std::vector<float> const& factor) {
  RealFft<ThisDevice> const fft(device, g);
  Buffer<ThisDevice, float> volume(device, g, a);
  Buffer<ThisDevice, Complex> spectrum(device, fft.half());
  fft.forward(volume.view(), spectrum.field());
  auto const spectrum_a = spectrum.to_host();
  volume = Buffer<ThisDevice, float>(device, g, b);
  fft.forward(volume.view(), spectrum.field());
  auto const spectrum_b = spectrum.to_host();

  auto first = spectrum_a, second = spectrum_a;
  for (std::size_t n = 0; n < first.size(); ++n) {
    first[n] = (2 * factor[n]) * spectrum_a[n];
    second[n] = spectrum_a[n] - spectrum_b[n];
  }
  auto const back = [&](std::vector<Complex> const& values) {
    Buffer<ThisDevice, Complex> out(device, fft.half(), values);
    fft.inverse(out.field(), volume.field());
    return volume.to_host();
  };
  auto const re = back(first), im = back(second);
  std::vector<Complex> both(g.size());
  for (std::size_t n = 0; n < both.size(); ++n) both[n] = {re[n], im[n]};
  return both;
}

// Odd and even extents; rows shorter and longer than the tiles; one slice, one column.
TEST_F(FilterPairsTest, TellsTwoRealVolumesApart) {
  for (Grid const g : {Grid{8, 6, 4}, Grid{7, 5, 3}, Grid{40, 37, 6}, Grid{35, 18, 9},
                       Grid{12, 9, 1}, Grid{2, 2, 2}, Grid{1, 1, 5}, Grid{20, 1, 3}}) {
    auto const a = noise(g.size(), 1), b = noise(g.size(), 2);
    auto factor = noise(half_grid(g).size(), 3);
    // Of a real filter: equal at k and -k where both are in the half spectrum.
    Grid const half = half_grid(g);
    for (std::size_t n = 0; n < factor.size(); ++n) {
      Index3 const k = half.index(n);
      if (k.x != 0 && 2 * k.x != g.nx) continue;
      factor[half.linear({k.x, (g.ny - k.y) % g.ny, (g.nz - k.z) % g.nz})] = factor[n];
    }
    std::vector<Complex> packed(g.size());
    for (std::size_t n = 0; n < packed.size(); ++n) packed[n] = {a[n], b[n]};
    Buffer<ThisDevice, Complex> data(device(), g, packed);
    Buffer<ThisDevice, float> const multiplier(device(), half, factor);

    filter_pairs(device(), ComplexFft<ThisDevice>(device(), g), data.field(),
                 Mix{multiplier.view()});

    auto const expected = by_real_transforms(device(), g, a, b, factor);
    auto const filtered = data.to_host();
    for (std::size_t n = 0; n < filtered.size(); ++n) {
      ASSERT_NEAR(filtered[n].re, expected[n].re, 2e-5f * static_cast<float>(g.size()));
      ASSERT_NEAR(filtered[n].im, expected[n].im, 2e-5f * static_cast<float>(g.size()));
    }
  }
}

}  // namespace
}  // namespace qsm
