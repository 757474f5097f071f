#include "inversion/reference.hpp"

#include "device/buffer.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

using ReferenceTest = test::DeviceTest;

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

}  // namespace
}  // namespace qsm
