#include "coils/virtual_reference.hpp"

#include <cmath>

#include "device/error.hpp"
#include "support/coil_scan.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using test::CoilScan;

class VirtualReferenceTest : public test::DeviceTest {
 protected:
  struct Result {
    Index3 voxel;
    std::vector<float> magnitude, phase;
  };

  Result combine(CoilScan const& scan, double sigma_mm = 10) {
    Grid const g = scan.grid;
    VirtualReference<ThisDevice> combination(device(), g, scan.voxel_mm, sigma_mm);
    auto const each_coil = [&](auto use) {
      for (int c = 0; c < scan.coils; ++c)
        use(Buffer<ThisDevice, Complex>(device(), g, scan.image(c, 0)));
    };
    Result result;
    each_coil([&](auto const& s) { combination.observe(s.view()); });
    result.voxel = combination.choose_voxel();
    each_coil([&](auto const& s) { combination.add_reference(s.view()); });
    each_coil([&](auto const& s) {
      combination.begin_coil(s.view());
      combination.add(0, s.view());
    });
    Buffer<ThisDevice, float> magnitude(device(), g), phase(device(), g);
    combination.combined(0, magnitude.field(), phase.field());
    result.magnitude = magnitude.to_host();
    result.phase = phase.to_host();
    return result;
  }
};

// The field's phase plus what the aligned coils have in common: smooth, without fringes that end.
TEST_F(VirtualReferenceTest, KeepsTheFieldAndAddsOnlyWhatIsSmooth) {
  for (int const coils : {1, 2, 8, 32}) {
    CoilScan scan(coils);
    scan.te_s = {0.020};
    auto const result = combine(scan);

    EXPECT_EQ(test::residues(scan, result.phase), 0) << coils;
    EXPECT_TRUE(scan.mask[scan.grid.linear(result.voxel)]) << coils;
    // Steps of 4 voxels (12 mm) of the phase beyond the field's own: no more than the offsets do.
    double squares = 0, count = 0;
    for (std::size_t n = 0; n + 4 < scan.mask.size(); ++n) {
      if (!scan.mask[n] || !scan.mask[n + 4] || scan.grid.index(n).x + 4 >= scan.grid.nx) continue;
      auto const extra = [&](std::size_t m) {
        return static_cast<double>(result.phase[m]) -
               2 * test::kPi * scan.field_hz[m] * scan.te_s[0];
      };
      squares += std::pow(test::wrapped(extra(n + 4) - extra(n)), 2);
      ++count;
    }
    EXPECT_LT(std::sqrt(squares / count), 0.2) << coils;
  }
}

TEST_F(VirtualReferenceTest, MagnitudeIsThatOfTheCoilsTogether) {
  CoilScan scan(8);
  scan.te_s = {0.020};
  scan.snr = 1e5;
  auto const result = combine(scan);

  for (std::size_t n = 0; n < scan.mask.size(); ++n) {
    if (!scan.mask[n]) continue;
    double power = 0;
    auto const [x, y, z] = scan.position(scan.grid.index(n));
    for (int c = 0; c < scan.coils; ++c) {
      double const angle = 2 * test::kPi * c / scan.coils;
      double const far = std::hypot(x - 110 * std::cos(angle), y - 110 * std::sin(angle), z);
      power += std::pow(110 * 110 / (far * far), 2);
    }
    ASSERT_NEAR(static_cast<double>(result.magnitude[n]) / std::sqrt(power), 1, 0.02);
  }
}

TEST_F(VirtualReferenceTest, ADeadCoilIsPassedOverAndBadSamplesCountAsZero) {
  Grid const g{12, 10, 8};
  std::vector<Complex> s(g.size(), {1, 0});
  s[3] = {NAN, 0};
  Buffer<ThisDevice, Complex> const alive(device(), g, s);
  Buffer<ThisDevice, Complex> const dead(device(), g, std::vector<Complex>(g.size()));
  VirtualReference<ThisDevice> one(device(), g, {1, 1, 1}, 10);
  auto const each_coil = [&](auto use) {
    use(alive.view());
    use(dead.view());
  };
  each_coil([&](auto image) { one.observe(image); });
  EXPECT_EQ(g.linear(one.choose_voxel()), 0u);
  each_coil([&](auto image) { one.add_reference(image); });
  each_coil([&](auto image) {
    one.begin_coil(image);
    one.add(0, image);
  });
  Buffer<ThisDevice, float> magnitude(device(), g), phase(device(), g);
  one.combined(0, magnitude.field(), phase.field());
  for (float const v : magnitude.to_host()) EXPECT_TRUE(std::isfinite(v));
  for (float const v : phase.to_host()) EXPECT_NEAR(v, 0, 1e-6);

  VirtualReference<ThisDevice> none(device(), g, {1, 1, 1}, 10);
  none.observe(dead.view());
  none.observe(dead.view());
  try {
    none.choose_voxel();
    FAIL();
  } catch (Error const& e) {
    EXPECT_EQ(e.reason(), "NO_COMMON_SIGNAL");
  }
}

}  // namespace
}  // namespace qsm
