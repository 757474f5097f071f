#include "coils/adaptive.hpp"

#include <cmath>
#include <string>

#include "device/launch.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

struct Multiply {
  Field<Complex const> conj_a, image;
  Field<Complex> out;
  QSM_HD void operator()(Index3 i) const { out[i] = conj_a[i] * finite_or_zero(image[i]); }
};

/// conj a += u_c conj S_c, and |u|^2.
struct AddToNext {
  Field<Complex const> vector, image;
  Field<Complex> next;
  Field<float> squares;
  QSM_HD void operator()(Index3 i) const {
    next[i] = next[i] + vector[i] * conj(finite_or_zero(image[i]));
    squares[i] += norm(vector[i]);
  }
};

/// conj a of the normalised vector; makes room for the next step.
struct TakeNext {
  Field<Complex> next;
  Field<float> squares;
  Field<Complex> conj_a;
  QSM_HD void operator()(Index3 i) const {
    float const length = sqrtf(squares[i]);
    conj_a[i] = length > 0 ? (1 / length) * next[i] : Complex{};
    next[i] = {};
    squares[i] = 0;
  }
};

AdaptiveOptions const& checked(AdaptiveOptions const& o) {
  require(o.sigma_mm >= 0.5 && o.sigma_mm <= 20, "OPTION_OUT_OF_RANGE",
          "the neighbourhood is " + std::to_string(o.sigma_mm) + " mm; 0.5 to 20 is accepted");
  require(o.steps >= 1 && o.steps <= 20, "OPTION_OUT_OF_RANGE",
          std::to_string(o.steps) + " steps; 1 to 20 are accepted");
  return o;
}

}  // namespace

template <class Device>
AdaptiveCombination<Device>::AdaptiveCombination(Device const& device, Grid grid, Vec3d voxel_mm,
                                                 int echoes, AdaptiveOptions const& options)
    : device_(device),
      grid_(grid),
      steps_(checked(options).steps),
      coil_(device, grid),
      neighbourhood_(
          SeparableFilter<Device>::gaussian(device, grid, voxel_mm, options.sigma_mm, 1)),
      product_(device, grid),
      vector_(device, grid),
      next_(device, grid),
      squares_(device, grid),
      sum_(device, grid, echoes, WeightNorm::kUnitNoise) {
  next_.zero();
  squares_.zero();
}

template <class Device>
void AdaptiveCombination<Device>::step(Field<Complex const> image) {
  for_each_voxel(device_, grid_, Multiply{coil_.conjugate(), image, product_.field()});
  neighbourhood_.run(product_.field(), vector_.field());
}

template <class Device>
void AdaptiveCombination<Device>::refine(Field<Complex const> image) {
  step(image);
  for_each_voxel(device_, grid_, AddToNext{vector_.view(), image, next_.field(), squares_.field()});
}

template <class Device>
void AdaptiveCombination<Device>::end_refinement() {
  for_each_voxel(device_, grid_, TakeNext{next_.field(), squares_.field(), coil_.conjugate()});
}

template <class Device>
void AdaptiveCombination<Device>::begin_coil(Field<Complex const> image) {
  step(image);
  sum_.begin_coil(vector_.view());
}

template class AdaptiveCombination<ThisDevice>;

}  // namespace qsm
