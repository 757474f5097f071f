#include "coils/offset_combination.hpp"

#include <cmath>
#include <string>

#include "coils/polar.hpp"
#include "device/error.hpp"
#include "device/launch.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

constexpr double kMinSigmaVoxels = 3;

struct RemoveCommonPhase {
  Field<Complex const> rotor, image;
  Field<Complex> out;
  QSM_HD void operator()(Index3 i) const { out[i] = rotor[i] * finite_or_zero(image[i]); }
};

/// z -> conj(z) / |z|, and 1 where z = 0.
struct ToUnitConjugate {
  Field<Complex> value;
  QSM_HD void operator()(Index3 i) const {
    Complex const z = value[i];
    float const modulus = sqrtf(norm(z));
    value[i] = modulus > 0 ? (1 / modulus) * conj(z) : Complex{1, 0};
  }
};

struct AddCoil {
  Field<Complex const> image, offset;
  Field<Complex> sum;
  QSM_HD void operator()(Index3 i) const {
    Complex const s = finite_or_zero(image[i]);
    sum[i] = sum[i] + sqrtf(norm(s)) * (s * offset[i]);
  }
};

double checked_sigma(double sigma_mm) {
  require(sigma_mm >= 1 && sigma_mm <= 50, "OPTION_OUT_OF_RANGE",
          "sigma_mm is " + std::to_string(sigma_mm) + "; 1 to 50 is accepted");
  return sigma_mm;
}

}  // namespace

template <class Device>
OffsetCombination<Device>::OffsetCombination(Device const& device, Grid grid, Vec3d voxel_mm,
                                             int echoes, double sigma_mm)
    : device_(device),
      grid_(grid),
      smooth_(SeparableFilter<Device>::gaussian(device, grid, voxel_mm, checked_sigma(sigma_mm),
                                                kMinSigmaVoxels)),
      offset_(device, grid),
      work_(device, grid) {
  for (int e = 0; e < echoes; ++e) sums_.emplace_back(device, grid).zero();
}

template <class Device>
void OffsetCombination<Device>::begin_coil(Field<Complex const> rotor,
                                           Field<Complex const> reference) {
  for_each_voxel(device_, grid_,
                 RemoveCommonPhase{.rotor = rotor, .image = reference, .out = work_.field()});
  smooth_.run(work_.field(), offset_.field());
  for_each_voxel(device_, grid_, ToUnitConjugate{offset_.field()});
}

template <class Device>
void OffsetCombination<Device>::add(int echo, Field<Complex const> image) {
  for_each_voxel(device_, grid_,
                 AddCoil{.image = image,
                         .offset = offset_.view(),
                         .sum = sums_.at(static_cast<std::size_t>(echo)).field()});
}

template <class Device>
void OffsetCombination<Device>::offset(Field<float> offset_rad) const {
  for_each_voxel(device_, grid_, Angle{.value = offset_.view(), .sign = -1, .angle = offset_rad});
}

template <class Device>
void OffsetCombination<Device>::combined(int echo, Field<float> magnitude,
                                         Field<float> phase_rad) const {
  auto const sum = sums_.at(static_cast<std::size_t>(echo)).view();
  for_each_voxel(device_, grid_, RootOfModulus{sum, magnitude});
  for_each_voxel(device_, grid_, Angle{.value = sum, .sign = 1, .angle = phase_rad});
}

template class OffsetCombination<ThisDevice>;

}  // namespace qsm
