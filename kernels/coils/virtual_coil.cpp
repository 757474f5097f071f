#include "coils/virtual_coil.hpp"

#include <cmath>

#include "device/error.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

struct Power {
  Field<Complex const> image;
  QSM_HD double operator()(Index3 i) const {
    return static_cast<double>(norm(finite_or_zero(image[i])));
  }
};

struct KeepWeakest {
  Field<Complex const> image;
  bool first;
  Field<float> weakest;
  QSM_HD void operator()(Index3 i) const {
    float const power = norm(finite_or_zero(image[i]));
    weakest[i] = first || power < weakest[i] ? power : weakest[i];
  }
};

struct Value {
  Field<float const> value;
  QSM_HD double operator()(Index3 i) const { return static_cast<double>(value[i]); }
};

/// The negative index of the voxels that hold the largest value: its maximum names the first.
struct FirstOf {
  Field<float const> value;
  double largest;
  QSM_HD double operator()(Index3 i) const {
    return static_cast<double>(value[i]) >= largest ? -static_cast<double>(value.grid.linear(i))
                                                    : -1e300;
  }
};

/// conj V += conj( S exp(-i arg S(r)) )
struct AddAligned {
  Field<Complex const> image;
  Index3 voxel;
  Field<Complex> sum;
  QSM_HD void operator()(Index3 i) const {
    Complex const at_voxel = finite_or_zero(image[voxel]);
    float const modulus = sqrtf(norm(at_voxel));
    if (!(modulus > 0)) return;
    Complex const aligned = (1 / modulus) * (finite_or_zero(image[i]) * conj(at_voxel));
    sum[i] = sum[i] + conj(aligned);
  }
};

}  // namespace

template <class Device>
VirtualCoil<Device>::VirtualCoil(Device const& device, Grid grid)
    : device_(device), grid_(grid), weakest_(device, grid), conjugate_(device, grid) {
  conjugate_.zero();
}

template <class Device>
void VirtualCoil<Device>::observe(Field<Complex const> image) {
  if (sum_over(device_, grid_, Power{image}) == 0) return;
  for_each_voxel(device_, grid_, KeepWeakest{image, !observed_, weakest_.field()});
  observed_ = true;
}

template <class Device>
Index3 VirtualCoil<Device>::choose_voxel() {
  double const largest = observed_ ? max_over(device_, grid_, Value{weakest_.view()}) : 0;
  require(largest > 0, "NO_COMMON_SIGNAL", "no voxel has signal in every coil");
  double const first = -max_over(device_, grid_, FirstOf{weakest_.view(), largest});
  voxel_ = grid_.index(static_cast<std::size_t>(first));
  return voxel_;
}

template <class Device>
void VirtualCoil<Device>::add(Field<Complex const> image) {
  for_each_voxel(device_, grid_, AddAligned{image, voxel_, conjugate_.field()});
}

template class VirtualCoil<ThisDevice>;

}  // namespace qsm
