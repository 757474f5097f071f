#include "coils/bipolar.hpp"

#include <cmath>

#include "coils/mcpc3ds.hpp"
#include "device/error.hpp"
#include "support/coil_scan.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using test::CoilScan;
using test::kPi;

class BipolarTest : public test::DeviceTest {
 protected:
  struct Combined {
    std::vector<Buffer<ThisDevice, float>> magnitude, phase;
  };

  /// MCPC-3D-S with the evolution from echo 1 to 2 unwrapped with the truth at hand.
  Combined combine(CoilScan const& scan) {
    Grid const g = scan.grid;
    Mcpc3ds<ThisDevice> mcpc(device(), g, scan.voxel_mm, scan.te_s);
    auto const upload = [&](int c, std::size_t e) {
      return Buffer<ThisDevice, Complex>(device(), g, scan.image(c, e));
    };
    for (int c = 0; c < scan.coils; ++c) mcpc.accumulate(upload(c, 0).view(), upload(c, 1).view());
    Buffer<ThisDevice, float> evolution(device(), g);
    mcpc.hermitian_phase(evolution.field());
    auto unwrapped = evolution.to_host();
    for (std::size_t n = 0; n < g.size(); ++n) {
      double const truth = 2 * kPi * scan.field_hz[n] * (scan.te_s[1] - scan.te_s[0]) +
                           scan.bipolar_phase(g.index(n));
      unwrapped[n] =
          static_cast<float>(truth + test::wrapped(static_cast<double>(unwrapped[n]) - truth));
    }
    evolution.upload(unwrapped);
    mcpc.set_phase_evolution(evolution.view(), mask(scan).view());
    for (int c = 0; c < scan.coils; ++c) {
      mcpc.begin_coil(upload(c, 0).view());
      for (std::size_t e = 0; e < scan.te_s.size(); ++e)
        mcpc.add(static_cast<int>(e), upload(c, e).view());
    }
    Combined combined;
    for (std::size_t e = 0; e < scan.te_s.size(); ++e) {
      combined.magnitude.emplace_back(device(), g);
      combined.phase.emplace_back(device(), g);
      mcpc.combined(static_cast<int>(e), combined.magnitude[e].field(), combined.phase[e].field());
    }
    return combined;
  }

  Buffer<ThisDevice, std::uint8_t> mask(CoilScan const& scan) {
    return {device(), scan.grid, scan.mask};
  }

  static CombinedPhases fields(Combined& combined) {
    CombinedPhases phases;
    for (auto const& m : combined.magnitude) phases.magnitude.push_back(m.view());
    for (auto& p : combined.phase) phases.phase_rad.push_back(p.field());
    return phases;
  }
};

TEST_F(BipolarTest, FindsARampToTwoPercentAndTakesItOffEveryEcho) {
  CoilScan scan(8);
  scan.te_s = {0.004, 0.009, 0.014, 0.019};
  scan.snr = 200;
  scan.bipolar_rad = 1.5;
  auto const inside = mask(scan);
  BipolarModel const model = bipolar_model(scan.te_s);
  EXPECT_NEAR(model.k, 2, 1e-12);
  EXPECT_NEAR(model.g, -2, 1e-12);
  auto combined = combine(scan);
  Buffer<ThisDevice, float> residual(device(), scan.grid);

  bipolar_residual(device(), scan.voxel_mm, model, fields(combined), combined.phase[1].view(),
                   inside.view(), 10, residual.field());

  // The slope of a / g along x in the inner two thirds, where smoothing does not see the rim.
  auto const a = residual.to_host();
  double xx = 0, xb = 0;
  for (std::size_t n = 0; n < a.size(); ++n) {
    Vec3d const at = scan.position(scan.grid.index(n));
    if (std::hypot(at.x / 50, at.y / 57, at.z / 40) > 1) continue;
    xx += at.x * at.x;
    xb += at.x * static_cast<double>(a[n]) / model.g;
  }
  double const ramp = xb / xx * scan.voxel_mm.x * scan.grid.nx;
  std::printf("bipolar ramp %.4f of 1.5 rad\n", ramp);
  EXPECT_NEAR(ramp, 1.5, 0.02 * 1.5);

  remove_bipolar(device(), model, residual.view(), inside.view(), fields(combined));
  for (std::size_t e = 0; e < scan.te_s.size(); ++e)
    EXPECT_LT(test::phase_error(scan, combined.phase[e].to_host(), scan.te_s[e]), 0.08) << e;
  // Odd and even echoes agree: what is left between neighbours is the field's evolution.
  for (std::size_t e = 1; e < scan.te_s.size(); ++e) {
    auto const before = combined.phase[e - 1].to_host();
    auto between = combined.phase[e].to_host();
    for (std::size_t n = 0; n < between.size(); ++n) between[n] -= before[n];
    EXPECT_LT(test::phase_error(scan, between, scan.te_s[e] - scan.te_s[e - 1]), 0.06) << e;
  }
}

TEST_F(BipolarTest, WithoutARampNothingMoves) {
  CoilScan scan(4);
  scan.snr = 1e4;
  auto const inside = mask(scan);
  auto combined = combine(scan);
  std::vector<std::vector<float>> before;
  for (auto const& p : combined.phase) before.push_back(p.to_host());
  BipolarModel const model = bipolar_model(scan.te_s);
  Buffer<ThisDevice, float> residual(device(), scan.grid);

  bipolar_residual(device(), scan.voxel_mm, model, fields(combined), combined.phase[1].view(),
                   inside.view(), 10, residual.field());
  remove_bipolar(device(), model, residual.view(), inside.view(), fields(combined));

  for (std::size_t e = 0; e < before.size(); ++e) {
    auto const after = combined.phase[e].to_host();
    for (std::size_t n = 0; n < after.size(); ++n)
      ASSERT_NEAR(test::wrapped(static_cast<double>(after[n] - before[e][n])), 0, 0.01);
  }
}

// A turn left by unwrapping belongs to nobody: it must not part odd from even echoes.
TEST_F(BipolarTest, AWholeTurnOfTheResidualIsDropped) {
  Grid const g{8, 8, 8};
  std::vector<std::uint8_t> const all(g.size(), 1);
  Buffer<ThisDevice, std::uint8_t> const inside(device(), g, all);
  BipolarModel const model = bipolar_model({0.004, 0.008, 0.012});
  for (double const turns : {-1.0, 0.0, 2.0}) {
    Combined combined;
    for (int e = 0; e < 3; ++e) {
      combined.magnitude.emplace_back(device(), g, std::vector<float>(g.size(), 1));
      combined.phase.emplace_back(device(), g, std::vector<float>(g.size(), 0.3f));
    }
    Buffer<ThisDevice, float> const residual(
        device(), g, std::vector<float>(g.size(), static_cast<float>(0.2 + 2 * kPi * turns)));

    remove_bipolar(device(), model, residual.view(), inside.view(), fields(combined));

    EXPECT_NEAR(combined.phase[0].to_host()[5], 0.3 - model.m * 0.2 / model.g, 1e-5);
    EXPECT_NEAR(combined.phase[1].to_host()[5], 0.3 - (model.m + 1) * 0.2 / model.g, 1e-5);
  }
}

TEST_F(BipolarTest, NamesWhatCannotBeCorrected) {
  auto const reason = [](std::vector<double> const& te) {
    try {
      bipolar_model(te);
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };
  EXPECT_EQ(reason({0.004, 0.008}), "TOO_FEW_ECHOES");
  EXPECT_EQ(reason({0.004, 0.008, 0.012}), "");
}

}  // namespace
}  // namespace qsm
