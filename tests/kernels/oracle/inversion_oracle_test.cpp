// Dipole, closed forms and reference against their serial double-precision definitions.
#include <gtest/gtest.h>

#include "inversion/closed_form.hpp"
#include "inversion/reference.hpp"
#include "kernels/oracle/compare.hpp"
#include "kernels/oracle/inversion_cases.hpp"
#include "math/dipole.hpp"
#include "support/oracle_dipole.hpp"

namespace qsm {
namespace {

using InversionOracle = test::DeviceTest;
using test::Case;
using test::download;
using test::field_of_two_bodies;
using test::kCases;
using test::masked_crop;
using test::padded;
using test::relative_error;
using test::upload;

// Two real transforms of fewer than 2^12 values: the error of each is about eps log2(N) = 7e-7 of
// the input's norm, and |D| <= 2/3.
TEST_F(InversionOracle, DipoleFieldIsTheDefinitionForObliqueFieldsAndAnySize) {
  for (Case const& c : kCases) {
    auto const chi = oracle::random_volume(c.size, 2);
    auto const in = upload(device(), chi);
    Buffer<ThisDevice, float> out(device(), in.grid());

    apply_dipole(device(), test::vec(c.voxel_mm), test::vec(c.b0), in.view(), out.field());

    EXPECT_LT(relative_error(download(out), oracle::dipole_field(chi, c.voxel_mm, c.b0)), 3e-6);
  }
}

// As above, times at most 1/t = 1/0.15 by the inverse kernel, plus a half-spectrum of D in float,
// whose relative error near |D| = t is eps / t.
TEST_F(InversionOracle, ThresholdedDivisionIsTheDefinition) {
  for (Case const& c : kCases) {
    auto const mask = oracle::ellipsoid(c.size);
    auto const field = field_of_two_bodies(c);
    auto const expected =
        masked_crop(oracle::thresholded_division(padded(masked_crop(field, mask, 1), c.pad),
                                                 c.voxel_mm, c.b0, 0.15),
                    mask, 1);
    auto const f = upload(device(), field);
    auto const m = upload(device(), mask);
    Buffer<ThisDevice, float> chi(device(), f.grid());

    invert_closed_form(device(), test::vec(c.voxel_mm), test::vec(c.b0), f.view(), m.view(),
                       {.threshold = 0.15, .pad_voxels = c.pad}, chi.field(), {});

    EXPECT_LT(relative_error(download(chi), expected), 1e-5);
  }
}

// As the dipole's, times at most 1 / (2 sqrt(lambda)) = 5, the largest D / (D^2 + lambda).
TEST_F(InversionOracle, TikhonovAndTruncationAreTheDefinition) {
  for (Case const& c : kCases) {
    auto const mask = oracle::ellipsoid(c.size);
    auto const field = field_of_two_bodies(c);
    auto const wide = padded(masked_crop(field, mask, 1), c.pad);
    auto const f = upload(device(), field);
    auto const m = upload(device(), mask);
    Buffer<ThisDevice, float> chi(device(), f.grid());
    for (auto const& [method, expected] :
         {std::pair{ClosedForm::kTikhonov,
                    oracle::regularized_division(wide, c.voxel_mm, c.b0, 0.01, false)},
          std::pair{ClosedForm::kTikhonovGradient,
                    oracle::regularized_division(wide, c.voxel_mm, c.b0, 0.01, true)},
          std::pair{ClosedForm::kTsvd,
                    oracle::thresholded_division(wide, c.voxel_mm, c.b0, 0.15, true)}}) {
      invert_closed_form(device(), test::vec(c.voxel_mm), test::vec(c.b0), f.view(), m.view(),
                         {.method = method, .threshold = 0.15, .lambda = 0.01, .pad_voxels = c.pad},
                         chi.field(), {});
      EXPECT_LT(relative_error(download(chi), masked_crop(expected, mask, 1)), 1e-5);
    }
  }
}

TEST_F(InversionOracle, ReferenceSubtractsTheMeanOverTheMask) {
  oracle::Size const s = {12, 9, 10};
  auto const mask = oracle::ellipsoid(s);
  auto const chi = oracle::random_volume(s, 8);
  double sum = 0, count = 0;
  for (std::size_t n = 0; n < chi.data.size(); ++n) {
    sum += mask.data[n] * chi.data[n];
    count += mask.data[n];
  }
  oracle::Real expected(s);
  for (std::size_t n = 0; n < chi.data.size(); ++n)
    expected.data[n] = mask.data[n] * (chi.data[n] - sum / count);
  auto const m = upload(device(), mask);
  auto map = upload(device(), chi);

  double const mean = reference(device(), ReferenceMethod::kMaskMean, m.view(), map.field());

  EXPECT_NEAR(mean, sum / count, 1e-9);                           // summed in double
  EXPECT_LT(test::largest_error(download(map), expected), 5e-7);  // an ulp of values up to 4
}

}  // namespace
}  // namespace qsm
