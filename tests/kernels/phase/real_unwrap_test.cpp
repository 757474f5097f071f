// Path-based against Laplacian unwrapping on measured phase (QSM_TEST_DATA). Both are congruent
// with the data; what tells them apart is where they put the turns. An edge between two voxels of
// good quality whose unwrapped step exceeds pi is part of a fringe that the unwrapping left
// standing.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "device/buffer.hpp"
#include "phase/laplacian_unwrap.hpp"
#include "phase/romeo_unwrap.hpp"
#include "support/nifti_file.hpp"
#include "support/real_data.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

constexpr double kPi = std::numbers::pi;

struct Measured {
  Grid grid;
  Vec3d voxel_mm;
  std::vector<std::vector<float>> phase, magnitude;  // [rad] by the range of the file
  std::vector<double> te_s;
  std::vector<std::uint8_t> mask;
};

std::vector<float> volume(test::NiftiVolume const& file, int t) {
  auto const begin = file.data.begin() +
                     static_cast<std::ptrdiff_t>(file.grid.size()) * static_cast<std::ptrdiff_t>(t);
  return {begin, begin + static_cast<std::ptrdiff_t>(file.grid.size())};
}

std::vector<float> radians(std::vector<float> phase) {
  float largest = 0;
  for (float const v : phase) largest = std::max(largest, std::abs(v));
  for (float& v : phase) v *= static_cast<float>(kPi) / largest;
  return phase;
}

/// Where the first echo has more than a tenth of its 99th percentile.
std::vector<std::uint8_t> signal(std::vector<float> const& magnitude) {
  auto sorted = magnitude;
  auto const p99 = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 99 / 100);
  std::nth_element(sorted.begin(), p99, sorted.end());
  std::vector<std::uint8_t> mask;
  for (float const m : magnitude) mask.push_back(m > 0.1f * *p99);
  return mask;
}

Measured brain(std::string const& folder) {
  auto const magnitude = test::read_nifti(folder + "Mag.nii");
  auto const phase = test::read_nifti(folder + "Phase.nii");
  Measured scan{phase.grid, phase.voxel_mm, {}, {}, {0.004, 0.008, 0.012}, {}};
  for (int t = 0; t < 3; ++t) {
    scan.phase.push_back(radians(volume(phase, t)));
    scan.magnitude.push_back(volume(magnitude, t));
  }
  scan.mask = signal(scan.magnitude[0]);
  return scan;
}

Measured brain_of_one_echo(std::string const& folder) {
  auto const magnitude = test::read_nifti(folder + "small2_Mag.nii");
  auto const phase = test::read_nifti(folder + "small2_Phase.nii");
  return {phase.grid,       phase.voxel_mm, {radians(phase.data)},
          {magnitude.data}, {0.02},         std::vector<std::uint8_t>(phase.data.size(), 1)};
}

Measured abdomen(std::string const& magnitude, std::string const& phase, std::string const& end,
                 std::vector<double> const& te_s) {
  Measured scan{{}, {}, {}, {}, te_s, {}};
  for (std::string const echo : {"1", "2"}) {
    auto const w = test::read_nifti(phase + echo + end);
    scan.grid = w.grid;
    scan.voxel_mm = w.voxel_mm;
    scan.phase.push_back(radians(w.data));
    scan.magnitude.push_back(test::read_nifti(magnitude + echo + ".nii.gz").data);
  }
  scan.mask = signal(scan.magnitude[0]);
  return scan;
}

/// What evolved between the two echoes, as one echo.
Measured difference(Measured scan) {
  for (std::size_t n = 0; n < scan.grid.size(); ++n) {
    float const d = scan.phase[1][n] - scan.phase[0][n];
    scan.phase[0][n] = wrap(d);
  }
  scan.phase.pop_back();
  scan.magnitude.pop_back();
  scan.te_s = {scan.te_s[1] - scan.te_s[0]};
  return scan;
}

class RealUnwrapTest : public test::DeviceTest {
 protected:
  struct Counts {
    std::size_t laplacian = 0, paths = 0;
  };
  enum Axes { kInPlane = 2, kAll = 3 };

  /// Fringes of the first echo, and whether every echo stays congruent.
  Counts compare(std::string const& name, Measured const& scan, Axes axes = kAll) {
    std::vector<Buffer<ThisDevice, float>> phase, magnitude;
    RomeoEchoes echoes{{}, {}, scan.te_s};
    for (std::size_t e = 0; e < scan.phase.size(); ++e) {
      phase.emplace_back(device(), scan.grid, scan.phase[e]);
      magnitude.emplace_back(device(), scan.grid, scan.magnitude[e]);
    }
    for (auto& p : phase) echoes.phases.push_back(p.field());
    for (auto& m : magnitude) echoes.magnitudes.push_back(m.view());
    Buffer<ThisDevice, std::uint8_t> mask(device(), scan.grid, scan.mask);
    Buffer<ThisDevice, float> smooth(device(), scan.grid), quality(device(), scan.grid);
    romeo_quality(device(), echoes, mask.view(), quality.field());
    LaplacianUnwrap<ThisDevice>(device(), scan.grid, scan.voxel_mm)
        .run(phase[0].view(), mask.view(), smooth.field());

    auto const summary = romeo_unwrap(device(), echoes, {.min_component_voxels = 1}, mask.field());

    for (std::size_t e = 0; e < phase.size(); ++e) expect_congruent(scan, e, phase[e].to_host());
    expect_congruent(scan, 0, smooth.to_host());
    auto const q = quality.to_host();
    Counts const counts{fringes(scan, q, smooth.to_host(), axes),
                        fringes(scan, q, phase[0].to_host(), axes)};
    std::printf(
        "%-20s %7zu voxels in %4d pieces, %6zu repaired; fringes: Laplacian %zu, ROMEO %zu\n",
        name.c_str(), static_cast<std::size_t>(std::count(scan.mask.begin(), scan.mask.end(), 1)),
        summary.components, summary.repaired, counts.laplacian, counts.paths);
    return counts;
  }

  static void expect_congruent(Measured const& scan, std::size_t e, std::vector<float> const& u) {
    for (std::size_t n = 0; n < u.size(); ++n) {
      if (!scan.mask[n]) continue;
      double const off = static_cast<double>(u[n]) - static_cast<double>(scan.phase[e][n]);
      ASSERT_NEAR(off - 2 * kPi * std::rint(off / (2 * kPi)), 0, 1e-5);
    }
  }

  static std::size_t fringes(Measured const& scan, std::vector<float> const& quality,
                             std::vector<float> const& u, Axes axes) {
    Grid const g = scan.grid;
    std::size_t count = 0;
    for (std::size_t n = 0; n < g.size(); ++n)
      for (int axis = 0; axis < axes; ++axis) {
        Index3 const i = g.index(n), j{i.x + (axis == 0), i.y + (axis == 1), i.z + (axis == 2)};
        if (!g.contains(j) || !scan.mask[n] || !scan.mask[g.linear(j)]) continue;
        bool const good = quality[n] > 0.5f && quality[g.linear(j)] > 0.5f;
        count += good && std::abs(u[n] - u[g.linear(j)]) > 3.1416f;
      }
    return count;
  }
};

TEST_F(RealUnwrapTest, BrainCropsAreFreeOfFringes) {
  auto const folder = test::real_data("romeo-clearswi-small/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  auto const three = compare("brain, 3 echoes", brain(folder));
  auto const one = compare("brain, 1 echo", brain_of_one_echo(folder));

  EXPECT_LE(three.paths, three.laplacian);
  EXPECT_LE(one.paths, one.laplacian);
}

TEST_F(RealUnwrapTest, AbdominalPairsHaveFewerFringesThanTheLaplacianLeaves) {
  auto const folder = test::real_data("ukat-dual-echo-3vendor/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  auto const ge =
      abdomen(folder + "ge/00720__Magnitude_ims__B0_map_dual_echo_e",
              folder + "ge/00721__Phase_ims__B0_map_dual_echo_e", ".nii.gz", {0.002216, 0.005136});
  auto const philips = abdomen(folder + "philips/00501__B0_map_expiration_volume_2DMS_delTE2.3_e",
                               folder + "philips/00501__B0_map_expiration_volume_2DMS_delTE2.3_e",
                               "_ph.nii.gz", {0.004001, 0.0063});
  auto const siemens = abdomen(folder + "siemens/0041_bh_b0map_volume_bh_b0map_volume_e",
                               folder + "siemens/0042_bh_b0map_volume_bh_b0map_volume_e",
                               "_ph.nii.gz", {0.004, 0.00646});
  // GE's phase steps by about 2.8 rad from slice to slice, so that steps beyond pi are right there.
  auto const slices = compare("GE, echo 1, in plane", ge, kInPlane);
  EXPECT_LE(slices.paths, slices.laplacian);
  for (auto const& [name, scan] : {std::pair{"Philips", philips}, {"Siemens", siemens}}) {
    auto const first = compare(std::string(name) + ", echo 1", scan);
    EXPECT_LE(first.paths, first.laplacian) << name;
  }
  for (auto const& [name, scan] :
       {std::pair{"GE", ge}, {"Philips", philips}, {"Siemens", siemens}}) {
    auto const between = compare(std::string(name) + ", difference", difference(scan));
    EXPECT_LE(between.paths, between.laplacian) << name;
  }
}

}  // namespace
}  // namespace qsm
