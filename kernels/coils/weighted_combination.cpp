#include "coils/weighted_combination.hpp"

#include <cmath>

#include "device/launch.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

struct AddSquare {
  Field<Complex const> weights;
  Field<float> squares;
  QSM_HD void operator()(Index3 i) const { squares[i] += norm(finite_or_zero(weights[i])); }
};

struct AddWeighted {
  Field<Complex const> weights, image;
  Field<Complex> sum;
  QSM_HD void operator()(Index3 i) const {
    sum[i] = sum[i] + conj(finite_or_zero(weights[i])) * finite_or_zero(image[i]);
  }
};

/// Modulus and angle of sum / n.
struct Normalise {
  Field<Complex const> sum;
  Field<float const> squares;
  WeightNorm norm;
  Field<float> magnitude, phase;
  QSM_HD void operator()(Index3 i) const {
    float const s = squares[i];
    float const n = norm == WeightNorm::kUnitNoise ? sqrtf(s) : s;
    float const m = n > 0 ? hypotf(sum[i].re, sum[i].im) / n : 0.0f;
    bool const defined = is_finite(m) && m > 0;
    magnitude[i] = defined ? m : 0.0f;
    phase[i] = defined ? atan2f(sum[i].im, sum[i].re) : 0.0f;
  }
};

}  // namespace

template <class Device>
WeightedCombination<Device>::WeightedCombination(Device const& device, Grid grid, int echoes,
                                                 WeightNorm norm)
    : device_(device), grid_(grid), norm_(norm), squares_(device, grid) {
  squares_.zero();
  for (int e = 0; e < echoes; ++e) sums_.emplace_back(device, grid).zero();
}

template <class Device>
void WeightedCombination<Device>::begin_coil(Field<Complex const> weights) {
  weights_ = weights;
  for_each_voxel(device_, grid_, AddSquare{weights, squares_.field()});
}

template <class Device>
void WeightedCombination<Device>::add(int echo, Field<Complex const> image) {
  for_each_voxel(device_, grid_,
                 AddWeighted{weights_, image, sums_.at(static_cast<std::size_t>(echo)).field()});
}

template <class Device>
void WeightedCombination<Device>::combined(int echo, Field<float> magnitude,
                                           Field<float> phase_rad) const {
  for_each_voxel(device_, grid_,
                 Normalise{.sum = sums_.at(static_cast<std::size_t>(echo)).view(),
                           .squares = squares_.view(),
                           .norm = norm_,
                           .magnitude = magnitude,
                           .phase = phase_rad});
}

template class WeightedCombination<ThisDevice>;

}  // namespace qsm
