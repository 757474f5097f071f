// Masks of simulated heads, from the magnitude that the coils give together, against the truth.
#include <array>
#include <chrono>
#include <cmath>

#include "device/buffer.hpp"
#include "kernels/mask/masks.hpp"
#include "mask/make_mask.hpp"
#include "simulate/scan.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

class SimulatedHeadTest : public test::DeviceTest {
 protected:
  /// Root of the summed squares over the coils, first echo.
  std::vector<float> magnitude(HeadScan<ThisDevice> const& scan) {
    Buffer<ThisDevice, Complex> image(device(), scan.geometry().grid);
    std::vector<float> sum(image.size());
    for (int coil = 0; coil < scan.options().coils; ++coil) {
      scan.coil_image(0, coil, image.field());
      auto const values = image.to_host();
      for (std::size_t n = 0; n < sum.size(); ++n)
        sum[n] += values[n].re * values[n].re + values[n].im * values[n].im;
    }
    for (float& v : sum) v = std::sqrt(v);
    return sum;
  }

  double overlap(HeadScan<ThisDevice> const& scan, Buffer<ThisDevice, float> const& magnitude,
                 MaskMethod method, double* seconds) {
    Buffer<ThisDevice, std::uint8_t> mask(device(), magnitude.grid());
    auto const begin = std::chrono::steady_clock::now();
    make_mask(device(), magnitude.view(), scan.geometry().voxel_mm, {.method = method},
              mask.field());
    *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return test::dice(mask.to_host(), scan.truth().mask.to_host());
  }

  /// Prints both methods' overlap and returns that of the brain surface.
  double compare(char const* name, ScanOptions options) {
    options.te_s = {0.004};
    HeadScan<ThisDevice> scan(device(), options);
    Buffer<ThisDevice, float> const image(device(), scan.geometry().grid, magnitude(scan));
    double seconds[2];
    double const threshold = overlap(scan, image, MaskMethod::kMagnitude, &seconds[0]);
    double const surface = overlap(scan, image, MaskMethod::kBrainSurface, &seconds[1]);
    std::printf("%s: Dice magnitude %.4f in %.1f s, brain surface %.4f in %.1f s\n", name,
                threshold, seconds[0], surface, seconds[1]);
    return surface;
  }
};

ScanOptions head(std::uint64_t seed, int coils) {
  ScanOptions options;
  options.matrix = {80, 96, 72};
  options.voxel_mm = {2, 2, 2};
  options.coils = coils;
  options.head.seed = seed;
  return options;
}

TEST_F(SimulatedHeadTest, TwoAnatomies) {
  EXPECT_GE(compare("head 1, 2 mm", head(1, 8)), 0.95);
  EXPECT_GE(compare("head 2, 2 mm", head(2, 4)), 0.95);
}

TEST_F(SimulatedHeadTest, Oblique) {
  ScanOptions options = head(3, 8);
  options.axes = oblique_axes(25, 10);
  options.matrix = {83, 97, 75};
  EXPECT_GE(compare("head 3, 2 mm oblique", options), 0.95);
}

TEST_F(SimulatedHeadTest, ThickSlices) {
  ScanOptions options = head(4, 4);
  options.matrix = {107, 129, 41};
  options.voxel_mm = {1.5, 1.5, 3.5};
  EXPECT_GE(compare("head 4, 1.5 x 1.5 x 3.5 mm", options), 0.95);
}

TEST_F(SimulatedHeadTest, CutByTheFieldOfView) {
  ScanOptions options = head(5, 8);
  options.matrix = {80, 96, 35};
  EXPECT_GE(compare("head 5, a slab of 70 mm", options), 0.95);
}

}  // namespace
}  // namespace qsm
