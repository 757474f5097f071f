// The oracles against what is known in closed form.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/oracle_dft.hpp"
#include "support/oracle_dipole.hpp"

namespace qsm::oracle {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr Size kSizes[] = {{7, 5, 6}, {4, 6, 3}};

TEST(OracleDft, ADeltaBecomesAPlaneWaveAndBack) {
  for (Size const s : kSizes) {
    Spectrum x(s);
    x.at({2, 1, 2}) = 1;
    Spectrum const f = dft(x);
    every_voxel(s, [&](Voxel k) {
      double const turns = 2.0 * k.i / s.nx + 1.0 * k.j / s.ny + 2.0 * k.k / s.nz;
      EXPECT_LT(std::abs(f.at(k) - std::polar(1.0, -kTwoPi * turns)), 1e-14);
    });
    Spectrum const back = idft(f);
    for (std::size_t n = 0; n < x.data.size(); ++n)
      EXPECT_LT(std::abs(back.data[n] - x.data[n]), 1e-14);
  }
}

TEST(OracleDft, CentredInverseTurnsAnOffCentreSampleIntoAPlaneWave) {
  for (Size const s : kSizes) {
    Spectrum k(s);
    k.at({s.nx / 2 + 1, s.ny / 2, s.nz / 2 - 1}) = 1;
    Spectrum const image = centred_unitary_idft(k);
    double const amplitude = 1 / std::sqrt(static_cast<double>(k.data.size()));
    every_voxel(s, [&](Voxel v) {
      double const turns = 1.0 * (v.i - s.nx / 2) / s.nx - 1.0 * (v.k - s.nz / 2) / s.nz;
      EXPECT_LT(std::abs(image.at(v) - std::polar(amplitude, kTwoPi * turns)), 1e-14);
    });
  }
}

TEST(OracleDipole, APlaneWaveIsScaledByItsAngleToTheField) {
  Size const s = {6, 5, 8};
  Vector const h = {1, 2, 0.5}, b = {0.6, 0, 0.8};
  Voxel const k = {1, 2, 3};
  Real chi(s);
  every_voxel(s, [&](Voxel v) {
    double const turns = 1.0 * k.i * v.i / s.nx + 1.0 * k.j * v.j / s.ny + 1.0 * k.k * v.k / s.nz;
    chi.at(v) = std::cos(kTwoPi * turns + 0.3);
  });
  Vector const nu = {1.0 / 6, 2.0 / 10, 3.0 / 4};
  double const along = nu[0] * b[0] + nu[2] * b[2];
  double const scale = 1.0 / 3 - along * along / (nu[0] * nu[0] + nu[1] * nu[1] + nu[2] * nu[2]);

  Real const field = dipole_field(chi, h, b);

  for (std::size_t n = 0; n < chi.data.size(); ++n)
    EXPECT_NEAR(field.data[n], scale * chi.data[n], 1e-13);
}

TEST(OracleDipole, IsEvenBoundedAndZeroAtTheOriginEvenWhenOblique) {
  Size const s = {6, 4, 7};
  Real const d = dipole(s, {1, 1.5, 2}, {0.3, -0.5, 2});
  EXPECT_EQ(d.data[0], 0);
  every_voxel(s, [&](Voxel k) {
    EXPECT_DOUBLE_EQ(d.at(k), d.periodic({-k.i, -k.j, -k.k}));
    EXPECT_LE(d.at(k), 1.0 / 3 + 1e-15);
    EXPECT_GE(d.at(k), -2.0 / 3 - 1e-15);
  });
}

TEST(OracleDipole, ThresholdedDivisionInvertsWhatTheThresholdSpares) {
  Size const s = {6, 5, 8};
  Vector const h = {1, 1, 1}, b = {0, 0, 1};
  Real chi(s);  // kappa = (1, 1, 0): D = 1/3
  every_voxel(
      s, [&](Voxel v) { chi.at(v) = std::sin(kTwoPi * (1.0 * v.i / s.nx + 1.0 * v.j / s.ny)); });
  Real const back = thresholded_division(dipole_field(chi, h, b), h, b, 0.2);
  for (std::size_t n = 0; n < chi.data.size(); ++n) EXPECT_NEAR(back.data[n], chi.data[n], 1e-13);
}

}  // namespace
}  // namespace qsm::oracle
