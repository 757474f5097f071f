// The fits over the echoes on measured pairs of three vendors, and the sign of a field
// (QSM_TEST_DATA).
#include "support/real_data.hpp"

#include <algorithm>

#include "kernels/phase/simulated_echoes.hpp"
#include "phase/complex_fit.hpp"
#include "phase/laplacian_unwrap.hpp"
#include "phase/linear_fit.hpp"
#include "support/nifti_file.hpp"

namespace qsm {
namespace {

using test::kTwoPi;
using test::Values;

struct Pair {
  char const* magnitude;  // of the first echo; the second has e2 in place of e1
  char const* phase;
  double radians;  // of a stored unit
  std::vector<double> te_s;
};

Pair const kPairs[] = {{"ge/00720__Magnitude_ims__B0_map_dual_echo_e1.nii.gz",
                        "ge/00721__Phase_ims__B0_map_dual_echo_e1.nii.gz",
                        1e-3,
                        {0.002216, 0.005136}},
                       {"philips/00501__B0_map_expiration_volume_2DMS_delTE2.3_e1.nii.gz",
                        "philips/00501__B0_map_expiration_volume_2DMS_delTE2.3_e1_ph.nii.gz",
                        1e-3,
                        {0.004001, 0.0063}},
                       {"siemens/0041_bh_b0map_volume_bh_b0map_volume_e1.nii.gz",
                        "siemens/0042_bh_b0map_volume_bh_b0map_volume_e1_ph.nii.gz",
                        std::numbers::pi / 4096,
                        {0.004, 0.00646}}};

std::string second_echo(std::string name) {
  return name.replace(name.rfind("_e1"), 3, "_e2");
}

class MeasuredPairs : public test::DeviceTest {};

// Two echoes whose second lies within half a turn of the first: any fit is their difference,
// arg(S_2 conj S_1) / (2 pi dTE), which is what vendors' field maps are.
TEST_F(MeasuredPairs, AreTheirPhaseDifferenceWhateverTheVendorAndTheFit) {
  auto const folder = test::real_data("ukat-dual-echo-3vendor/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  for (Pair const& pair : kPairs) {
    auto const m1 = test::read_nifti(folder + pair.magnitude);
    auto const m2 = test::read_nifti(folder + second_echo(pair.magnitude));
    auto p1 = test::read_nifti(folder + pair.phase).data;
    auto p2 = test::read_nifti(folder + second_echo(pair.phase)).data;
    double const spacing = pair.te_s[1] - pair.te_s[0];
    std::vector<double> expected_hz;
    for (std::size_t n = 0; n < p1.size(); ++n) {
      double const first = pair.radians * static_cast<double>(p1[n]);
      double const step = std::remainder(pair.radians * static_cast<double>(p2[n]) - first, kTwoPi);
      p1[n] = static_cast<float>(first);
      p2[n] = static_cast<float>(first + step);
      expected_hz.push_back(step / (kTwoPi * spacing));
    }
    test::Echoes echoes(m1.grid, {}, 0, 0, 0);
    echoes.te_s = pair.te_s;
    echoes.magnitude = {m1.data, m2.data};
    echoes.phase = {p1, p2};
    float const brightest = *std::max_element(m1.data.begin(), m1.data.end());
    std::vector<std::uint8_t> mask;
    for (std::size_t n = 0; n < p1.size(); ++n)
      mask.push_back(m1.data[n] > 0.1f * brightest && m2.data[n] > 0);

    auto const line = test::run_fit(device(), linear_fit<ThisDevice>, echoes, mask);
    auto const phasors = test::run_fit(device(), complex_fit<ThisDevice>, echoes, mask);

    for (auto const& fitted : {line, phasors}) {
      EXPECT_EQ(fitted.summary.freedom, 0);
      for (std::size_t n = 0; n < mask.size(); ++n) {
        if (!mask[n]) continue;
        ASSERT_NEAR(fitted.field_hz[n], expected_hz[n], 1e-3) << pair.phase;
        ASSERT_NEAR(fitted.residual_rad[n], 0, 1e-5);
        ASSERT_GT(fitted.noise_hz[n], 0);
      }
    }
  }
}

// Air in sinuses and ear canals is 9 ppm more paramagnetic than tissue and lies below the brain: in
// the slices above it the field stands out upwards. Right only if sign and unit of the phase are.
TEST_F(MeasuredPairs, ASiemensPhaseDifferenceRisesAboveTheSinuses) {
  auto const folder = test::real_data("siemens-fieldmap-brain/");
  QSM_SKIP_WITHOUT_REAL_DATA(folder);
  auto const difference = test::read_nifti(folder + "me_FieldMap_GRE_3_e2_ph.nii");
  auto const magnitude = test::read_nifti(folder + "me_FieldMap_GRE_2_e1.nii");
  Grid const g = difference.grid;
  Values radians;
  std::vector<std::uint8_t> mask;
  for (float const v : difference.data)
    radians.push_back(v * static_cast<float>(std::numbers::pi / 4096));
  for (float const m : magnitude.data) mask.push_back(m > 300);
  Buffer<ThisDevice, float> const wrapped(device(), g, radians);
  Buffer<ThisDevice, float> unwrapped(device(), g);
  Buffer<ThisDevice, std::uint8_t> const inside(device(), g, mask);
  LaplacianUnwrap<ThisDevice>(device(), g, difference.voxel_mm)
      .run(wrapped.view(), inside.view(), unwrapped.field());
  test::Echoes echoes(g, {}, 0, 0, 0);
  echoes.te_s = {0.00246};  // the difference of the echo times
  echoes.magnitude = {magnitude.data};
  echoes.phase = {unwrapped.to_host()};

  auto const fitted = test::run_fit(device(), complex_fit<ThisDevice>, echoes, mask);

  for (int z = 9; z <= 18; z += 3) {
    std::vector<float> slice;
    for (std::size_t n = 0; n < mask.size(); ++n)
      if (mask[n] && g.index(n).z == z) slice.push_back(fitted.field_hz[n]);
    std::sort(slice.begin(), slice.end());
    auto const at = [&](double share) {
      return slice[static_cast<std::size_t>(share * static_cast<double>(slice.size() - 1))];
    };
    float const up = at(0.99) - at(0.5), down = at(0.5) - at(0.01);
    std::printf("slice %d: +%.0f and -%.0f Hz about the median\n", z, static_cast<double>(up),
                static_cast<double>(down));
    EXPECT_GT(up, 1.2f * down);
    EXPECT_LT(up, 300);
  }
}

}  // namespace
}  // namespace qsm
