#include "mask/magnitude_mask.hpp"

#include <algorithm>
#include <cmath>

#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "mask/morphology.hpp"
#include "mask/robust_threshold.hpp"
#include "math/components.hpp"
#include "math/distance_transform.hpp"
#include "math/gaussian.hpp"

namespace qsm {
namespace {

constexpr double kSmallHole = 1e-3;  // of the volume: vessels and noise, never the skull

struct Above {
  Field<float const> value;
  float threshold;
  Field<std::uint8_t> mask;
  QSM_HD void operator()(Index3 i) const { mask[i] = value[i] > threshold; }
};

struct ToFloat {
  Field<std::uint8_t const> mask;
  Field<float> value;
  QSM_HD void operator()(Index3 i) const { value[i] = mask[i] != 0 ? 1.0f : 0.0f; }
};

/// Moving averages over `radius` voxels of the finest axis to either side, and as many mm along the
/// others; twice for the triangle w = (1, 1) * (1, 1).
std::vector<float> average_taps(int radius, bool twice, double edge_mm, double finest_mm) {
  int const r = static_cast<int>(std::lround(radius * finest_mm / edge_mm));
  if (!twice) return box_taps(r);
  std::vector<float> taps;
  for (int t = 0; t <= 2 * r; ++t) taps.push_back(static_cast<float>(2 * r + 1 - t));
  return taps;
}

/// mask = average(mask) > threshold. Averages are fractions of voxel counts, and flat faces make
/// some equal to the threshold (50 of 125 and 0.4): such a tie is not above it, however the sum
/// rounds.
template <class Device>
class Majority {
 public:
  Majority(Device const& device, Grid grid, Vec3d voxel_mm)
      : device_(device), grid_(grid), voxel_mm_(voxel_mm), a_(device, grid), b_(device, grid) {}

  void run(Field<std::uint8_t> mask, int radius, bool twice, float threshold) {
    double const finest = std::min({voxel_mm_.x, voxel_mm_.y, voxel_mm_.z});
    auto const taps = [&](double edge) { return average_taps(radius, twice, edge, finest); };
    SeparableFilter<Device> const average(device_, grid_, taps(voxel_mm_.x), taps(voxel_mm_.y),
                                          taps(voxel_mm_.z));
    for_each_voxel(device_, grid_, ToFloat{mask, a_.field()});
    average.run(a_.field(), b_.field());
    for_each_voxel(device_, grid_, Above{b_.view(), threshold * (1 + 1e-5f), mask});
  }

 private:
  Device const& device_;
  Grid grid_;
  Vec3d voxel_mm_;
  Buffer<Device, float> a_, b_;
};

}  // namespace

template <class Device>
std::size_t magnitude_mask(Device const& device, Field<float const> magnitude, Vec3d voxel_mm,
                           MaskOptions const& options, Field<std::uint8_t> mask) {
  validate(options);
  Grid const grid = magnitude.grid;
  {
    Buffer<Device, float> clean(device, grid);
    for_each_voxel(device, grid, CleanMagnitude{magnitude, clean.field()});
    double const threshold = options.threshold_factor * robust_threshold(device, clean.view());
    for_each_voxel(device, grid, Above{clean.view(), static_cast<float>(threshold), mask});
  }
  {
    Majority<Device> majority(device, grid, voxel_mm);
    if (options.opening_mm > 0) {
      // The wide average would close the skull's gap before it is used.
      fill_holes(device, mask, std::min(kSmallHole, options.max_hole_fraction));
      erode(device, mask, voxel_mm, options.opening_mm, mask);
      keep_largest_component(device, mask);
      dilate(device, mask, voxel_mm, options.opening_mm, mask);
    }
    majority.run(mask, 2, false, 0.4f);
    fill_holes(device, mask, options.max_hole_fraction);
    majority.run(mask, 1, true, 0.6f);
  }
  keep_largest_component(device, mask);
  fill_holes(device, mask, options.max_hole_fraction);
  return erode_rim(device, mask, voxel_mm, options.erode_mm);
}

template std::size_t magnitude_mask(ThisDevice const&, Field<float const>, Vec3d,
                                    MaskOptions const&, Field<std::uint8_t>);

}  // namespace qsm
