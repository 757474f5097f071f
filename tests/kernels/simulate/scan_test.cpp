#include "simulate/scan.hpp"

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <numbers>

#include "support/this_device.hpp"

namespace qsm {
namespace {

using Scan = HeadScan<ThisDevice>;
constexpr double kNoNoise = std::numeric_limits<double>::infinity();

/// The whole head on a coarse oblique grid.
ScanOptions coarse() {
  ScanOptions o;
  o.matrix = {60, 71, 57};
  o.voxel_mm = {2.6, 2.6, 2.6};
  o.axes = oblique_axes(12, 7);
  o.oversampling = 1;
  o.coils = 4;
  return o;
}

class HeadScanTest : public test::DeviceTest {
 protected:
  std::vector<Complex> image(Scan const& scan, int echo, int coil) {
    Buffer<ThisDevice, Complex> out(device(), scan.options().matrix);
    scan.coil_image(echo, coil, out.field());
    return out.to_host();
  }
  std::vector<Complex> kspace(Scan& scan, int echo, int coil) {
    Buffer<ThisDevice, Complex> out(device(), scan.options().matrix);
    scan.coil_kspace(echo, coil, out.field());
    return out.to_host();
  }
  std::vector<Complex> signal(Scan const& scan, int echo) {
    Buffer<ThisDevice, Complex> out(device(), scan.options().matrix);
    copy_on_device(device(), out.field().data, scan.signal(echo).data, out.bytes());
    return out.to_host();
  }
};

TEST_F(HeadScanTest, TruthIsFiniteAndItsMaskIsTheBrain) {
  Scan const scan(device(), coarse());
  auto const& truth = scan.truth();
  auto const labels = truth.labels.to_host();
  auto const mask = truth.mask.to_host();
  auto const chi = truth.chi_ppm.to_host();
  for (auto const* volume : {&truth.chi_ppm, &truth.local_field_ppm, &truth.total_field_ppm,
                             &truth.magnitude, &truth.r2s})
    for (float const v : volume->to_host()) ASSERT_TRUE(std::isfinite(v));
  double brain_ml = 0;
  for (std::size_t n = 0; n < mask.size(); ++n) {
    ASSERT_EQ(mask[n] != 0, is_brain(static_cast<Tissue>(labels[n])));
    ASSERT_TRUE(mask[n] || chi[n] == 0);
    brain_ml += mask[n] * 2.6 * 2.6 * 2.6 / 1000;
  }
  EXPECT_GT(brain_ml, 900);
  EXPECT_LT(brain_ml, 1500);
}

TEST_F(HeadScanTest, VoxelsLieWhereTheGeometrySays) {
  Scan const scan(device(), coarse());
  ScanGeometry const& g = scan.geometry();
  HeadPhantom const head(scan.options().head);
  auto const labels = scan.truth().labels.to_host();
  int different = 0;
  for (std::size_t n = 0; n < labels.size(); n += 7) {
    Index3 const i = g.grid.index(n);
    auto const lps = [&](int c) {
      return static_cast<float>(g.origin_lps_mm[c] + g.voxel_mm.x * i.x * g.axes.x[c] +
                                g.voxel_mm.y * i.y * g.axes.y[c] +
                                g.voxel_mm.z * i.z * g.axes.z[c]);
    };
    different += static_cast<int>(head.at({lps(0), lps(1), lps(2)}).tissue) != labels[n];
  }
  EXPECT_LT(different, 40);  // of 35 000: boundaries within rounding
  Vec3d const b = g.b0_direction();
  EXPECT_NEAR(dot(b, b), 1, 1e-12);
  EXPECT_GT(std::abs(b.x), 0.05);
  EXPECT_GT(std::abs(b.y), 0.05);
}

TEST_F(HeadScanTest, BackgroundFieldIsHarmonicInsideTheBrain) {
  Scan const scan(device(), coarse());
  Grid const g = scan.options().matrix;
  auto const mask = scan.truth().mask.to_host();
  auto const local = scan.truth().local_field_ppm.to_host();
  auto background = scan.truth().total_field_ppm.to_host();
  for (std::size_t n = 0; n < local.size(); ++n) background[n] -= local[n];
  auto const laplacian = [&](std::vector<float> const& f, Index3 i) {
    auto const at = [&](int x, int y, int z) {
      return static_cast<double>(f[g.linear({i.x + x, i.y + y, i.z + z})]);
    };
    return at(1, 0, 0) + at(-1, 0, 0) + at(0, 1, 0) + at(0, -1, 0) + at(0, 0, 1) + at(0, 0, -1) -
           6 * at(0, 0, 0);
  };
  auto const deep = [&](Index3 i) {  // four voxels from the surface, where stencil errors have died
    for (int z = -4; z <= 4; ++z)
      for (int y = -4; y <= 4; ++y)
        for (int x = -4; x <= 4; ++x) {
          Index3 const j{i.x + x, i.y + y, i.z + z};
          if (!g.contains(j) || !mask[g.linear(j)]) return false;
        }
    return true;
  };
  double sources = 0, rest = 0;
  int count = 0;
  for (std::size_t n = 0; n < mask.size(); ++n) {
    if (!mask[n] || !deep(g.index(n))) continue;
    ++count;
    sources += std::pow(laplacian(local, g.index(n)), 2);
    rest += std::pow(laplacian(background, g.index(n)), 2);
  }
  EXPECT_GT(count, 5000);
  EXPECT_LT(std::sqrt(rest / sources), 0.1);
}

TEST_F(HeadScanTest, PhaseAndDecayFollowFieldAndR2sInQuietWhiteMatter) {
  ScanOptions o = coarse();
  o.oversampling = 2;
  Scan const scan(device(), o);
  auto const labels = scan.truth().labels.to_host();
  auto const field = scan.truth().total_field_ppm.to_host();
  auto const r2s = scan.truth().r2s.to_host();
  auto const first = signal(scan, 0), last = signal(scan, 4);
  double const dt = o.te_s[4] - o.te_s[0];
  auto const quiet = [&](std::size_t n) {  // no change of field worth dephasing across the voxel
    auto const nx = static_cast<std::size_t>(o.matrix.nx),
               nxy = nx * static_cast<std::size_t>(o.matrix.ny);
    for (std::size_t const step : {std::size_t{1}, nx, nxy})
      if (std::abs(field[n + step] - field[n - step]) > 0.02f) return false;
    return true;
  };
  int count = 0, off = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    if (static_cast<Tissue>(labels[n]) != Tissue::kWhiteMatter || r2s[n] != 21 || !quiet(n))
      continue;
    Complex const turn = last[n] * conj(first[n]);
    double const expected =
        2 * std::numbers::pi * kGammaBar * o.b0_t * dt * static_cast<double>(field[n]);
    double const phase_error = std::remainder(
        std::atan2(static_cast<double>(turn.im), static_cast<double>(turn.re)) - expected,
        2 * std::numbers::pi);
    double const decay =
        std::log(std::sqrt(static_cast<double>(norm(first[n]) / norm(last[n])))) / dt;
    off += std::abs(phase_error) > 0.02 || std::abs(decay - 21) > 0.5;
    ++count;
  }
  EXPECT_GT(count, 2000);
  EXPECT_LT(off, count / 10);  // those beside a vein, where the field bends within the voxel
}

TEST_F(HeadScanTest, CombinedFirstEchoHasTheSignalToNoiseRatioAskedFor) {
  ScanOptions o = coarse();
  Scan const noisy(device(), o);
  o.snr = kNoNoise;
  Scan const clean(device(), o);
  EXPECT_EQ(clean.noise_sigma(), 0);
  auto const labels = clean.truth().labels.to_host();
  std::vector<double> combined2(labels.size());
  double noise2 = 0, cross = 0;
  std::vector<float> previous(labels.size());
  for (int c = 0; c < o.coils; ++c) {
    auto const a = image(noisy, 0, c), b = image(clean, 0, c);
    double power = 0;
    for (std::size_t n = 0; n < a.size(); ++n) {
      Complex const d = a[n] - b[n];
      power += static_cast<double>(norm(d)) / 2 / static_cast<double>(a.size());
      cross += static_cast<double>(d.re * previous[n]) / static_cast<double>(a.size());
      previous[n] = d.re;
      combined2[n] += static_cast<double>(norm(b[n]));
    }
    EXPECT_NEAR(std::sqrt(power), noisy.noise_sigma(), 0.01 * noisy.noise_sigma());
    noise2 += power / o.coils;
  }
  EXPECT_LT(std::abs(cross), 0.02 * noise2);  // coils are independent
  double mean = 0, white = 0;
  for (std::size_t n = 0; n < labels.size(); ++n)
    if (static_cast<Tissue>(labels[n]) == Tissue::kWhiteMatter) {
      mean += std::sqrt(combined2[n]);
      ++white;
    }
  EXPECT_NEAR(mean / white / std::sqrt(noise2), 40, 0.5);
}

/// x[n] = N^-1/2 sum k[k'] exp(+2 pi i (k' - Nc)(n - Nc) / N), summed directly.
std::complex<double> naive_image(std::vector<Complex> const& k, Grid g, Index3 n) {
  std::complex<double> sum = 0;
  for (std::size_t m = 0; m < k.size(); ++m) {
    Index3 const q = g.index(m);
    auto const turns = [](int a, int b, int size) {
      return static_cast<double>((a - size / 2) * (b - size / 2)) / size;
    };
    double const angle = 2 * std::numbers::pi *
                         (turns(q.x, n.x, g.nx) + turns(q.y, n.y, g.ny) + turns(q.z, n.z, g.nz));
    sum += std::complex<double>(static_cast<double>(k[m].re), static_cast<double>(k[m].im)) *
           std::polar(1.0, angle);
  }
  return sum / std::sqrt(static_cast<double>(k.size()));
}

TEST_F(HeadScanTest, KspaceIsTheCentredTransformOfTheImageOnOddAndEvenSizes) {
  for (Grid const g : {Grid{17, 20, 15}, Grid{16, 21, 14}}) {
    ScanOptions o = coarse();
    o.matrix = g;
    o.voxel_mm = {9, 9, 9};
    Scan scan(device(), o);
    auto const x = image(scan, 1, 2);
    auto const k = kspace(scan, 1, 2);
    for (std::size_t n = 3; n < x.size(); n += 211) {
      auto const expected = naive_image(k, g, g.index(n));
      EXPECT_NEAR(static_cast<double>(x[n].re), expected.real(), 1e-5);
      EXPECT_NEAR(static_cast<double>(x[n].im), expected.imag(), 1e-5);
    }
  }
}

TEST_F(HeadScanTest, BytesDependOnOptionsAloneNotOnTheOrderOfCalls) {
  ScanOptions o = coarse();
  o.matrix = {30, 35, 28};
  o.voxel_mm = {5, 5, 5};
  Scan one(device(), o), two(device(), o);
  auto const a0 = kspace(one, 0, 0), a1 = kspace(one, 3, 2);
  auto const b1 = kspace(two, 3, 2), b0 = kspace(two, 0, 0);
  EXPECT_EQ(std::memcmp(a0.data(), b0.data(), a0.size() * sizeof(Complex)), 0);
  EXPECT_EQ(std::memcmp(a1.data(), b1.data(), a1.size() * sizeof(Complex)), 0);
  o.seed = 2;
  Scan const other(device(), o);
  EXPECT_NE(
      std::memcmp(image(one, 0, 0).data(), image(other, 0, 0).data(), a0.size() * sizeof(Complex)),
      0);
}

TEST_F(HeadScanTest, LongVoxelsAreCutAlongTheirLength) {
  ScanOptions o = coarse();
  o.voxel_mm = {1, 1, 3};
  Cells const cells(scan_geometry(o), 2);
  EXPECT_EQ(cells.factor.x, 1);
  EXPECT_EQ(cells.factor.z, 4);
}

TEST_F(HeadScanTest, SaysWhatIsWrongWithItsOptions) {
  auto const reason = [&](auto change) {
    ScanOptions o = coarse();
    change(o);
    try {
      Scan const scan(device(), o);
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string("none");
  };
  EXPECT_EQ(reason([](ScanOptions& o) { o.te_s = {0.01, 0.005}; }), "SCAN_OPTIONS");
  EXPECT_EQ(reason([](ScanOptions& o) { o.te_s = {}; }), "SCAN_OPTIONS");
  EXPECT_EQ(reason([](ScanOptions& o) { o.coils = 0; }), "SCAN_OPTIONS");
  EXPECT_EQ(reason([](ScanOptions& o) { o.axes.x = {1, 1, 0}; }), "SCAN_OPTIONS");
  EXPECT_EQ(reason([](ScanOptions& o) { o.snr = std::nan(""); }), "SCAN_OPTIONS");
  EXPECT_EQ(reason([](ScanOptions& o) { o.matrix = {2, 64, 64}; }), "SCAN_OPTIONS");
  EXPECT_EQ(reason([](ScanOptions& o) { o.centre_lps_mm = {0, 0, 500}; }), "EMPTY_MASK");
}

}  // namespace
}  // namespace qsm
