// V-SHARP on a simulated head whose local field is known (QSM_TEST_DATA).
#include "support/real_data.hpp"

#include "background/vsharp.hpp"
#include "device/buffer.hpp"
#include "metrics/metrics.hpp"
#include "support/nifti_file.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using HeadPhantom = test::DeviceTest;

// Two reference programs: 58.4 and 62.6 with the same radii and threshold 0.05.
TEST_F(HeadPhantom, VsharpLeavesHalfOfTheLocalFieldsErrorAtMost) {
  auto const folder = test::real_data("head-phantom/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  auto const total = test::read_nifti(folder + "total_field.nii.gz");
  auto const truth = test::read_nifti(folder + "local_field.nii.gz").as_double();
  auto const mask = test::read_nifti(folder + "mask.nii.gz").as_mask();
  Buffer<ThisDevice, float> const f(device(), total.grid, total.data);
  Buffer<ThisDevice, std::uint8_t> const m(device(), total.grid, mask);
  Buffer<ThisDevice, float> local(device(), total.grid);
  Buffer<ThisDevice, std::uint8_t> eroded(device(), total.grid);

  auto const error = [&](VsharpOptions const& options) {
    vsharp(device(), total.voxel_mm, f.view(), m.view(), options, local.field(), eroded.field(),
           {});
    auto const values = local.to_host();
    std::vector<double> const recon(values.begin(), values.end());
    return nrmse(recon, truth, eroded.to_host());
  };

  EXPECT_LE(error({}), 50);  // 49.5 measured; chosen for the contrast of the map, not for this
  EXPECT_LE(error({.radii_mm = {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2}, .threshold = 0.15}),
            46);  // 44.1 measured
}

}  // namespace
}  // namespace qsm
