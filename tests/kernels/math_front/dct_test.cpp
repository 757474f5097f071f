#include "math/dct.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "support/this_device.hpp"

namespace qsm {
namespace {

using DctTest = test::DeviceTest;
using Value = std::complex<double>;

std::vector<Complex> random_volume(Grid g, unsigned seed = 7) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Complex> values(g.size());
  for (auto& v : values) v = {normal(random), normal(random)};
  return values;
}

double basis(int k, int n, int size) {
  return std::cos(std::numbers::pi * k * (2 * n + 1) / (2.0 * size));
}

Value definition(std::vector<Complex> const& x, Grid g, Index3 k) {
  Value sum = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    Index3 const i = g.index(n);
    sum += Value(x[n].re, x[n].im) * basis(k.x, i.x, g.nx) * basis(k.y, i.y, g.ny) *
           basis(k.z, i.z, g.nz);
  }
  return sum;
}

TEST_F(DctTest, ForwardIsTheDefinitionOnOddEvenAndPrimeSizes) {
  for (Grid const g : {Grid{7, 5, 6}, Grid{8, 3, 11}, Grid{4, 1, 13}, Grid{1, 2, 9}}) {
    auto const x = random_volume(g);
    Dct<ThisDevice> dct(device(), g);
    Buffer<ThisDevice, Complex> data(device(), g, x);

    dct.forward(data.field());

    auto const spectrum = data.to_host();
    for (std::size_t n = 0; n < x.size(); ++n) {
      Value const expected = definition(x, g, g.index(n));
      EXPECT_NEAR(spectrum[n].re, expected.real(), 1e-4);
      EXPECT_NEAR(spectrum[n].im, expected.imag(), 1e-4);
    }
  }
}

TEST_F(DctTest, InverseUndoesForward) {
  for (Grid const g : {Grid{67, 33, 9}, Grid{16, 12, 20}, Grid{31, 1, 5}}) {
    auto const x = random_volume(g);
    Dct<ThisDevice> dct(device(), g);
    Buffer<ThisDevice, Complex> data(device(), g, x);

    dct.forward(data.field());
    dct.inverse(data.field());

    auto const back = data.to_host();
    for (std::size_t n = 0; n < x.size(); ++n) {
      EXPECT_NEAR(back[n].re, x[n].re, 1e-5);
      EXPECT_NEAR(back[n].im, x[n].im, 1e-5);
    }
  }
}

// The rows sqrt(c_k / N) cos(..), c_0 = 1 and else 2, are orthonormal: <C x, W C y> = <x, y>.
TEST_F(DctTest, ScaledRowsAreOrthonormal) {
  Grid const g{15, 8, 11};
  auto const x = random_volume(g, 1);
  auto const y = random_volume(g, 2);
  Dct<ThisDevice> dct(device(), g);
  Buffer<ThisDevice, Complex> a(device(), g, x), b(device(), g, y);

  dct.forward(a.field());
  dct.forward(b.field());

  auto const cx = a.to_host();
  auto const cy = b.to_host();
  Value transformed = 0, plain = 0;
  auto const value = [](Complex v) { return Value(v.re, v.im); };
  for (std::size_t n = 0; n < x.size(); ++n) {
    Index3 const k = g.index(n);
    double const weight =
        (k.x ? 2.0 : 1.0) * (k.y ? 2.0 : 1.0) * (k.z ? 2.0 : 1.0) / static_cast<double>(g.size());
    transformed += weight * value(cx[n]) * std::conj(value(cy[n]));
    plain += value(x[n]) * std::conj(value(y[n]));
  }
  EXPECT_NEAR(std::abs(transformed - plain), 0, 1e-5 * static_cast<double>(g.size()));
}

TEST_F(DctTest, DividesItsSpectrumInOneGo) {
  for (Grid const g : {Grid{15, 8, 11}, Grid{6, 1, 4}}) {
    auto const x = random_volume(g);
    std::vector<float> table(20);
    for (std::size_t k = 0; k < table.size(); ++k) table[k] = 0.3f * static_cast<float>(k * k);
    Dct<ThisDevice> dct(device(), g);
    Buffer<ThisDevice, float> const divisors(device(), {20, 1, 1}, table);
    Buffer<ThisDevice, Complex> in(device(), g, x), out(device(), g);

    float const* const d = divisors.view().data;
    dct.divide_by_sum(in.view(), d, d, d, out.field());

    dct.forward(in.field());
    dct.forward(out.field());
    auto const before = in.to_host();
    auto const after = out.to_host();
    for (std::size_t n = 0; n < x.size(); ++n) {
      Index3 const k = g.index(n);
      float const sum = 0.3f * static_cast<float>(k.x * k.x + k.y * k.y + k.z * k.z);
      EXPECT_NEAR(after[n].re, sum > 0 ? before[n].re / sum : 0, 1e-4);
      EXPECT_NEAR(after[n].im, sum > 0 ? before[n].im / sum : 0, 1e-4);
    }
  }
}

}  // namespace
}  // namespace qsm
