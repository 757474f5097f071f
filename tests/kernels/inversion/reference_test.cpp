#include "inversion/reference.hpp"

#include "device/buffer.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using ReferenceTest = test::DeviceTest;
using test::in_ellipsoid;

TEST_F(ReferenceTest, ZeroesOutsideTheMaskWhateverTheMethod) {
  Grid const g{6, 5, 4};
  auto const inside = test::volume<std::uint8_t>(g, [](Index3 i) { return i.x > 2; });
  Buffer<ThisDevice, std::uint8_t> mask(device(), g, inside);
  Buffer<ThisDevice, float> chi(device(), g, std::vector<float>(g.size(), 3));

  EXPECT_EQ(reference(device(), ReferenceMethod::kNone, mask.view(), chi.field()), 0);
  auto const kept = chi.to_host();
  EXPECT_EQ(reference(device(), ReferenceMethod::kMaskMean, mask.view(), chi.field()), 3);

  for (std::size_t n = 0; n < g.size(); ++n) EXPECT_EQ(kept[n], inside[n] ? 3 : 0);
  for (float const v : chi.to_host()) EXPECT_EQ(v, 0);
  mask.zero();
  EXPECT_THROW(reference(device(), ReferenceMethod::kMaskMean, mask.view(), chi.field()), Error);
}

// A ventricle of fluid within tissue, a larger pool of it at the rim, and a speckle nearer the
// middle.
TEST_F(ReferenceTest, FluidIsTheLargestSlowRegionOfTheCentralThird) {
  Grid const g{45, 40, 37};
  Vec3d const voxel_mm{2, 2.2, 2.5};
  auto const mask = test::volume<std::uint8_t>(
      g, [](Index3 i) { return in_ellipsoid(i, 22, 20, 18, 20, 18, 16); });
  auto const ventricle = [](Index3 i) { return in_ellipsoid(i, 24, 20, 18, 3, 4, 2.5); };
  auto const rim = [](Index3 i) { return in_ellipsoid(i, 22, 34, 18, 8, 3, 6); };
  auto const r2s = test::volume(g, [&](Index3 i) {
    bool const speckle = i.x == 18 && i.y == 20 && i.z == 18;
    return ventricle(i) || rim(i) || speckle ? 3.0 : 20.0;
  });
  auto const chi = test::volume(g, [&](Index3 i) {
    return ventricle(i) ? 0.25 : rim(i) ? 9.0 : 1.0;
  });
  Buffer<ThisDevice, std::uint8_t> const m(device(), g, mask);
  Buffer<ThisDevice, float> const rate(device(), g, r2s);
  Buffer<ThisDevice, float> map(device(), g, chi);
  Buffer<ThisDevice, std::uint8_t> csf(device(), g);

  auto const voxels = csf_region(device(), voxel_mm, rate.view(), m.view(), csf.field());
  double const value =
      reference(device(), ReferenceMethod::kCsf, m.view(), map.field(), csf.view());

  auto const found = csf.to_host();
  std::size_t expected = 0;
  for (std::size_t n = 0; n < g.size(); ++n) {
    EXPECT_EQ(found[n] != 0, ventricle(g.index(n)));
    expected += ventricle(g.index(n));
  }
  EXPECT_EQ(voxels, expected);
  EXPECT_NEAR(value, 0.25, 1e-6);
  EXPECT_NEAR(map.to_host()[g.linear({10, 20, 18})], 0.75, 1e-6);
}

TEST_F(ReferenceTest, NamesTheFluidThatIsNotThere) {
  Grid const g{20, 20, 20};
  Buffer<ThisDevice, std::uint8_t> mask(device(), g, std::vector<std::uint8_t>(g.size(), 1));
  Buffer<ThisDevice, std::uint8_t> csf(device(), g);
  Buffer<ThisDevice, float> map(device(), g, std::vector<float>(g.size(), 1));
  auto rates = std::vector<float>(g.size(), 20);
  auto const reason = [&](bool search) {
    Buffer<ThisDevice, float> const rate(device(), g, rates);
    try {
      if (search)
        csf_region(device(), {1, 1, 1}, rate.view(), mask.view(), csf.field());
      else
        reference(device(), ReferenceMethod::kCsf, mask.view(), map.field());
    } catch (Error const& e) {
      return e.reason();
    }
    return std::string();
  };

  EXPECT_EQ(reason(true), "NO_CSF");
  for (int z = 8; z < 12; ++z) rates[g.linear({10, 10, z})] = 1;  // 4 mm^3
  EXPECT_EQ(reason(true), "NO_CSF");
  EXPECT_EQ(reason(false), "NO_CSF");
  mask.zero();
  EXPECT_EQ(reason(true), "EMPTY_MASK");
}

TEST_F(ReferenceTest, TheSignIsThatOfWhatDecaysFastest) {
  Grid const g{30, 20, 10};
  auto const vein = [&](Index3 i) { return i.x < 3 && i.y == 5; };  // 30 of 6000 voxels
  Buffer<ThisDevice, std::uint8_t> const mask(device(), g, std::vector<std::uint8_t>(g.size(), 1));
  Buffer<ThisDevice, float> const rate(
      device(), g, test::volume(g, [&](Index3 i) { return vein(i) ? 80.0 : 20 + 0.1 * i.y; }));
  for (double const sign : {1.0, -1.0}) {
    Buffer<ThisDevice, float> const chi(
        device(), g, test::volume(g, [&](Index3 i) { return sign * (vein(i) ? 0.3 : -0.01); }));
    EXPECT_NEAR(chi_where_r2s_is_largest(device(), chi.view(), rate.view(), mask.view()),
                0.3 * sign, 1e-6);
  }
}

}  // namespace
}  // namespace qsm
