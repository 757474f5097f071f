// The brain's surface on measured heads (QSM_TEST_DATA).
#include "support/real_data.hpp"

#include <span>

#include "device/buffer.hpp"
#include "kernels/mask/masks.hpp"
#include "mask/brain_surface.hpp"
#include "support/nifti_file.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

class MeasuredHead : public test::DeviceTest {
 protected:
  std::vector<std::uint8_t> run(test::NiftiVolume const& image) {
    Buffer<ThisDevice, float> const magnitude(device(), image.grid,
                                              std::span(image.data).first(image.grid.size()));
    Buffer<ThisDevice, std::uint8_t> mask(device(), image.grid);
    voxels_ = brain_mask(device(), magnitude.view(), image.voxel_mm, {}, mask.field());
    return mask.to_host();
  }
  double millilitres(test::NiftiVolume const& image) const {
    Vec3d const h = image.voxel_mm;
    return static_cast<double>(voxels_) * h.x * h.y * h.z / 1000;
  }
  std::size_t voxels_ = 0;
};

// Head and brain in one piece are 2570 ml of the first, 2650 ml of the second.
TEST_F(MeasuredHead, CoarseVoxelsDoNotLetTheSurfaceIntoTheScalp) {
  for (char const* file : {"siemens-fieldmap-brain/me_FieldMap_GRE_2_e1.nii",
                           "ge-b0map-brain-and-7t-sphere/GE_6_CV_Neuro_HH_Adv.nii"}) {
    auto const path = test::real_data(file);
    QSM_SKIP_WITHOUT_REAL_DATA(path);
    auto const image = test::read_nifti(path);

    run(image);

    EXPECT_GT(millilitres(image), 1300) << file;
    EXPECT_LT(millilitres(image), 1750) << file;
  }
}

TEST_F(MeasuredHead, ABrainWithoutAHeadStaysWhole) {
  auto const folder = test::real_data("qsm2016-challenge/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);

  auto const mask = run(test::read_nifti(folder + "magn.nii.gz"));

  double const overlap = test::dice(mask, test::read_nifti(folder + "msk.nii.gz").as_mask());
  std::printf("2016 brain: Dice %.4f\n", overlap);
  EXPECT_GT(overlap, 0.98);
}

}  // namespace
}  // namespace qsm
