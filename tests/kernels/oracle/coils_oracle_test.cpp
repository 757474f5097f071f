// Centred transforms, cosine transforms and coil combination against the definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <numbers>

#include "coils/bipolar.hpp"
#include "coils/centered_fft.hpp"
#include "coils/mcpc3ds.hpp"
#include "coils/virtual_reference.hpp"
#include "kernels/oracle/compare.hpp"
#include "math/dct.hpp"
#include "support/oracle_dft.hpp"
#include "support/oracle_mcpc3ds.hpp"
#include "support/oracle_unwrap.hpp"

namespace qsm {
namespace {

using CoilsOracle = test::DeviceTest;
using test::download;
using test::relative_error;
using test::upload;

constexpr oracle::Size kSizes[] = {{7, 5, 6}, {12, 9, 10}, {16, 15, 14}, {5, 8, 1}};

// One transform of up to 2^12 values: eps log2(N) = 7e-7 relative, with room for the two shifts.
constexpr double kTransform = 2e-6;

TEST_F(CoilsOracle, CentredInverseIsTheDefinitionAndForwardUndoesIt) {
  for (oracle::Size const s : kSizes) {
    auto const kspace = oracle::random_complex(s, 1);
    auto data = upload(device(), kspace);
    CenteredFft<ThisDevice> const fft(device(), data.grid());

    fft.inverse(data.field());
    EXPECT_LT(relative_error(download(data), oracle::centred_unitary_idft(kspace)), kTransform);
    fft.forward(data.field());
    EXPECT_LT(relative_error(download(data), kspace), 2 * kTransform);
  }
}

TEST_F(CoilsOracle, CroppingAndPaddingKeepTheCentreInPlace) {
  for (oracle::Size const to : {oracle::Size{6, 9, 4}, {9, 4, 11}, {7, 5, 6}}) {
    auto const in = oracle::random_complex({7, 5, 6}, 2);
    oracle::Spectrum expected(to);
    oracle::every_voxel(to, [&](oracle::Voxel v) {
      oracle::Voxel const from = {v.i - to.nx / 2 + 3, v.j - to.ny / 2 + 2, v.k - to.nz / 2 + 3};
      if (in.contains(from)) expected.at(v) = in.at(from);
    });
    auto const image = upload(device(), in);
    Buffer<ThisDevice, Complex> out(device(), test::grid(to));

    crop_centered(device(), image.view(), out.field());

    EXPECT_EQ(relative_error(download(out), expected), 0);
  }
}

TEST_F(CoilsOracle, CosineTransformsAreTheDefinitionForBothVolumes) {
  for (oracle::Size const s : kSizes) {
    auto const x = oracle::random_complex(s, 3);
    oracle::Real const re = oracle::dct(oracle::real_part(x));
    oracle::Spectrum turned = x;
    for (auto& v : turned.data) v *= oracle::Complex(0, -1);
    oracle::Real const im = oracle::dct(oracle::real_part(turned));
    oracle::Spectrum expected(s);
    for (std::size_t n = 0; n < x.data.size(); ++n) expected.data[n] = {re.data[n], im.data[n]};
    auto data = upload(device(), x);
    Dct<ThisDevice> dct(device(), data.grid());

    dct.forward(data.field());
    EXPECT_LT(relative_error(download(data), expected), kTransform);
    dct.inverse(data.field());
    EXPECT_LT(relative_error(download(data), x), 2 * kTransform);
  }
}

/// The offsets' smoothing: nowhere below 3 voxels.
oracle::Vector sigma_voxels(double sigma_mm, oracle::Vector voxel_mm) {
  oracle::Vector sigma;
  for (std::size_t a = 0; a < 3; ++a) sigma[a] = std::max(sigma_mm / voxel_mm[a], 3.0);
  return sigma;
}

struct Scan {
  std::vector<double> te = {0.004, 0.0095, 0.017};
  std::vector<std::vector<oracle::Spectrum>> echo = {};  // [echo][coil], as float values
  oracle::Real evolution;                                // 2 pi f (TE2 - TE1), as float values
  oracle::Mask mask;
};

// Smooth coil sensitivities and offsets, a field of some turns, and a tenth of noise.
Scan make_scan(oracle::Size s) {
  Scan scan{.evolution = oracle::Real(s), .mask = oracle::ellipsoid(s)};
  auto const frequency = [&](oracle::Voxel v) { return 60.0 * v.i / s.nx - 25.0 * v.k / s.nz; };
  double const two_pi = 2 * std::numbers::pi;
  oracle::every_voxel(s, [&](oracle::Voxel v) {
    scan.evolution.at(v) = two_pi * frequency(v) * (scan.te[1] - scan.te[0]);
  });
  scan.evolution = oracle::rounded(scan.evolution);
  for (std::size_t e = 0; e < scan.te.size(); ++e) {
    scan.echo.emplace_back();
    for (unsigned c = 0; c < 4; ++c) {
      auto image = oracle::random_complex(s, 10 * static_cast<unsigned>(e) + c);
      oracle::every_voxel(s, [&](oracle::Voxel v) {
        double const near = 0.3 + 1.0 * (c % 2 ? v.i : s.nx - v.i) / s.nx;
        double const offset = 1.7 * c + 0.9 * v.j / s.ny - 0.4 * v.k / s.nz;
        image.at(v) = std::polar(near, offset + two_pi * frequency(v) * scan.te[e]) +
                      0.1 * near * image.at(v);
        image.at(v) = {static_cast<float>(image.at(v).real()),
                       static_cast<float>(image.at(v).imag())};
      });
      scan.echo.back().push_back(image);
    }
  }
  return scan;
}

// The smoothed offsets are sums of same-signed taps with nearly aligned phases, so the three passes
// err by 3 eps sqrt(2R+1) = 1e-6, the rotation by psi of up to 10 rad by an ulp of it, 1e-6;
// combining multiplies by four such factors. 1e-5 covers both with a margin for sparse rims.
TEST_F(CoilsOracle, Mcpc3dsFollowsTheDefinition) {
  for (oracle::Size const s : {oracle::Size{7, 5, 6}, {12, 9, 10}, {16, 15, 14}}) {
    oracle::Vector const h = {1, 0.8, 2};
    double const sigma_mm = 3.2;
    oracle::Vector const sigma = sigma_voxels(sigma_mm, h);
    Scan const scan = make_scan(s);
    Grid const g = test::grid(s);
    Mcpc3ds<ThisDevice> combination(device(), g, test::vec(h), scan.te, {.sigma_mm = sigma_mm});
    Buffer<ThisDevice, float> magnitude(device(), g), phase(device(), g);

    for (std::size_t c = 0; c < 4; ++c)
      combination.accumulate(upload(device(), scan.echo[0][c]).view(),
                             upload(device(), scan.echo[1][c]).view());
    combination.hermitian_magnitude(magnitude.field());
    combination.hermitian_phase(phase.field());
    auto const hermitian = oracle::hermitian_inner_product(scan.echo[0], scan.echo[1]);
    auto const m = download(magnitude), p = download(phase);
    for (std::size_t n = 0; n < m.data.size(); ++n) {
      EXPECT_NEAR(m.data[n], std::sqrt(std::abs(hermitian.data[n])), 1e-5);
      EXPECT_NEAR(oracle::wrap(p.data[n] - std::arg(hermitian.data[n])), 0, 1e-5);
    }

    combination.set_phase_evolution(upload(device(), scan.evolution).view(),
                                    upload(device(), scan.mask).view());
    std::vector<oracle::Real> offsets;
    for (std::size_t c = 0; c < 4; ++c) {
      combination.begin_coil(upload(device(), scan.echo[0][c]).view());
      combination.offset(phase.field());
      offsets.push_back(oracle::coil_offset(scan.echo[0][c], scan.evolution, scan.mask, scan.te[0],
                                            scan.te[1], sigma));
      auto const offset = download(phase);
      for (std::size_t n = 0; n < m.data.size(); ++n)
        EXPECT_NEAR(oracle::wrap(offset.data[n] - offsets[c].data[n]), 0, 1e-5);
      for (std::size_t e = 0; e < scan.te.size(); ++e)
        combination.add(static_cast<int>(e), upload(device(), scan.echo[e][c]).view());
    }
    for (std::size_t e = 0; e < scan.te.size(); ++e) {
      combination.combined(static_cast<int>(e), magnitude.field(), phase.field());
      auto const combined_m = download(magnitude), combined_p = download(phase);
      oracle::Spectrum combined(s);
      for (std::size_t n = 0; n < m.data.size(); ++n)
        combined.data[n] = std::polar(combined_m.data[n], combined_p.data[n]);
      EXPECT_LT(relative_error(combined, oracle::combine(scan.echo[e], offsets)), 1e-5);
    }
  }
}

// Bounds as for MCPC-3D-S: sums of nearly aligned phasors and angles of up to 3 k radians.
TEST_F(CoilsOracle, TheBipolarResidualFollowsTheDefinition) {
  for (oracle::Size const s : {oracle::Size{7, 5, 6}, {12, 9, 10}, {16, 15, 14}}) {
    oracle::Vector const h = {1, 0.8, 2};
    double const sigma_mm = 3.2;
    oracle::Vector const sigma = sigma_voxels(sigma_mm, h);
    Scan const scan = make_scan(s);
    std::vector<oracle::Spectrum> const coil = {scan.echo[0][0], scan.echo[1][0], scan.echo[2][0]};
    BipolarModel const model = bipolar_model({0.004, 0.008, 0.012});
    Grid const g = test::grid(s);
    std::vector<Buffer<ThisDevice, float>> owned;
    for (auto const& e : coil) {
      oracle::Real magnitude(s), phase(s);
      for (std::size_t n = 0; n < e.data.size(); ++n) {
        magnitude.data[n] = std::abs(e.data[n]);
        phase.data[n] = std::arg(e.data[n]);
      }
      owned.push_back(upload(device(), magnitude));
      owned.push_back(upload(device(), phase));
    }
    CombinedPhases echoes;
    for (std::size_t e = 0; e < 3; ++e) {
      echoes.magnitude.push_back(owned[2 * e].view());
      echoes.phase_rad.push_back(owned[2 * e + 1].field());
    }
    Buffer<ThisDevice, float> residual(device(), g);

    auto const inside = upload(device(), scan.mask);
    bipolar_residual(device(), test::vec(h), model, echoes, owned[3].view(), inside.view(),
                     sigma_mm, residual.field());

    auto const found = download(residual);
    auto const expected = oracle::bipolar_residual(coil, scan.mask, model.k, sigma, 3);
    for (std::size_t n = 0; n < found.data.size(); ++n)
      EXPECT_NEAR(oracle::wrap(found.data[n] - expected.data[n]), 0, 1e-5);
  }
}

// Bounds as for MCPC-3D-S; V is a sum of four aligned coils.
TEST_F(CoilsOracle, TheVirtualReferenceFollowsTheDefinition) {
  for (oracle::Size const s : {oracle::Size{7, 5, 6}, {12, 9, 10}, {16, 15, 14}}) {
    oracle::Vector const h = {1, 0.8, 2};
    double const sigma_mm = 3.2;
    oracle::Vector const sigma = sigma_voxels(sigma_mm, h);
    auto const coils = make_scan(s).echo[0];
    Grid const g = test::grid(s);
    VirtualReference<ThisDevice> combination(device(), g, test::vec(h), sigma_mm);

    for (auto const& c : coils) combination.observe(upload(device(), c).view());
    std::size_t voxel = 0;
    auto const reference = oracle::virtual_reference(coils, voxel);
    EXPECT_EQ(g.linear(combination.choose_voxel()), voxel);
    for (auto const& c : coils) combination.add_reference(upload(device(), c).view());
    std::vector<oracle::Real> offsets;
    for (auto const& c : coils) {
      auto const image = upload(device(), c);
      combination.begin_coil(image.view());
      combination.add(0, image.view());
      offsets.push_back(oracle::offset_to(reference, c, sigma));
    }
    Buffer<ThisDevice, float> magnitude(device(), g), phase(device(), g);
    combination.combined(0, magnitude.field(), phase.field());
    auto const m = download(magnitude), p = download(phase);
    oracle::Spectrum combined(s);
    for (std::size_t n = 0; n < m.data.size(); ++n)
      combined.data[n] = std::polar(m.data[n], p.data[n]);
    EXPECT_LT(relative_error(combined, oracle::combine(coils, offsets)), 1e-5);
  }
}

}  // namespace
}  // namespace qsm
