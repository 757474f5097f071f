#include "coils/centered_fft.hpp"

#include <cmath>
#include <numbers>

#include "device/launch.hpp"

namespace qsm {
namespace {

/// data[n] *= scale * t_x[n_x] t_y[n_y] t_z[n_z], the factors conjugated where asked.
struct Shift {
  Field<Complex> data;
  Complex const* x;
  Complex const* y;
  Complex const* z;
  Complex scale;
  bool conjugate;
  QSM_HD void operator()(Index3 i) const {
    Complex const t = x[i.x] * (y[i.y] * z[i.z]);
    data[i] = scale * (conjugate ? conj(t) : t) * data[i];
  }
};

/// exp(-2 pi i c k / N); the product is reduced modulo N first, so that even N gives exact signs.
Complex shift_factor(int k, int n) {
  int const step = static_cast<int>(static_cast<long long>(n / 2) * k % n);
  if (2 * step == n) return {-1, 0};
  double const angle = -2 * std::numbers::pi * step / n;
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

}  // namespace

template <class Device>
CenteredFft<Device>::CenteredFft(Device const& device, Grid grid)
    : device_(device), fft_(device, grid) {
  for (int axis : {0, 1, 2}) {
    int const n = grid.extent(axis);
    std::vector<Complex> factors;
    for (int k = 0; k < n; ++k) factors.push_back(shift_factor(k, n));
    shift_[axis] = Buffer<Device, Complex>(device, {n, 1, 1}, factors);
    origin_ = conj(factors[static_cast<std::size_t>(n / 2)]) * origin_;
  }
}

template <class Device>
void CenteredFft<Device>::shift(Field<Complex> data, Complex scale, bool conjugate) const {
  for_each_voxel(device_, grid(),
                 Shift{.data = data,
                       .x = shift_[0].view().data,
                       .y = shift_[1].view().data,
                       .z = shift_[2].view().data,
                       .scale = scale,
                       .conjugate = conjugate});
}

template <class Device>
void CenteredFft<Device>::inverse(Field<Complex> data) const {
  shift(data, {1, 0}, false);
  fft_.inverse(data);
  shift(data, std::sqrt(fft_.scale()) * origin_, false);
}

template <class Device>
void CenteredFft<Device>::forward(Field<Complex> data) const {
  shift(data, {1, 0}, true);
  fft_.forward(data);
  shift(data, std::sqrt(fft_.scale()) * conj(origin_), true);
}

namespace {

struct CopyCentered {
  Field<Complex const> in;
  Index3 start;  // of `out` in `in`
  Field<Complex> out;
  QSM_HD void operator()(Index3 i) const {
    Index3 const from{i.x + start.x, i.y + start.y, i.z + start.z};
    out[i] = in.grid.contains(from) ? in[from] : Complex{};
  }
};

}  // namespace

template <class Device>
void crop_centered(Device const& device, Field<Complex const> in, Field<Complex> out) {
  Index3 const start{in.grid.nx / 2 - out.grid.nx / 2, in.grid.ny / 2 - out.grid.ny / 2,
                     in.grid.nz / 2 - out.grid.nz / 2};
  for_each_voxel(device, out.grid, CopyCentered{in, start, out});
}

template class CenteredFft<ThisDevice>;
template void crop_centered(ThisDevice const&, Field<Complex const>, Field<Complex>);

}  // namespace qsm
