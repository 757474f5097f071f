// V-SHARP on a simulated head whose local field is known (QSM_TEST_DATA).
#include "support/real_data.hpp"

#include "background/vsharp.hpp"
#include "background/vsharp_ls.hpp"
#include "device/buffer.hpp"
#include "math/distance_transform.hpp"
#include "metrics/metrics.hpp"
#include "support/nifti_file.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

class HeadPhantom : public test::DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    auto const folder = test::real_data("head-phantom/");
    QSM_SKIP_WITHOUT_REAL_DATA(folder);
    auto const total = test::read_nifti(folder + "total_field.nii.gz");
    grid_ = total.grid;
    voxel_mm_ = total.voxel_mm;
    truth_ = test::read_nifti(folder + "local_field.nii.gz").as_double();
    mask_ = test::read_nifti(folder + "mask.nii.gz").as_mask();
    f_ = {device(), grid_, total.data};
    m_ = {device(), grid_, mask_};
    local_ = {device(), grid_};
    defined_ = {device(), grid_};
  }

  double error(std::vector<std::uint8_t> const& where) const {
    auto const values = local_.to_host();
    return nrmse(std::vector<double>(values.begin(), values.end()), truth_, where);
  }

  Grid grid_;
  Vec3d voxel_mm_;
  std::vector<double> truth_;
  std::vector<std::uint8_t> mask_;
  Buffer<ThisDevice, float> f_, local_;
  Buffer<ThisDevice, std::uint8_t> m_, defined_;
};

// Two reference programs: 58.4 and 62.6 with the same radii and threshold 0.05.
TEST_F(HeadPhantom, VsharpLeavesHalfOfTheLocalFieldsErrorAtMost) {
  auto const error_of = [&](VsharpOptions const& options) {
    vsharp(device(), voxel_mm_, f_.view(), m_.view(), options, local_.field(), defined_.field(),
           {});
    return error(defined_.to_host());
  };

  EXPECT_LE(error_of({}), 50);  // 49.5 measured; chosen for the contrast of the map, not for this
  EXPECT_LE(error_of({.radii_mm = {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2}, .threshold = 0.15}),
            46);  // 44.1 measured
}

// The prototype of the specification: 33.0 and 37.9.
TEST_F(HeadPhantom, LeastSquaresLeavesAThirdOfTheLocalFieldsError) {
  vsharp_ls(device(), voxel_mm_, f_.view(), m_.view(), {}, {}, local_.field(), defined_.field(),
            {});

  EXPECT_LE(error(defined_.to_host()), 39);  // all of the mask
  Buffer<ThisDevice, std::uint8_t> eroded(device(), grid_);
  erode(device(), m_.view(), voxel_mm_, 2, eroded.field());
  EXPECT_LE(error(eroded.to_host()), 34);  // where the direct form is defined
}

}  // namespace
}  // namespace qsm
