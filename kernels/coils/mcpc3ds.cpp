#include "coils/mcpc3ds.hpp"

#include <cmath>

#include "coils/polar.hpp"
#include "device/launch.hpp"
#include "math/count.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

struct AddHermitianProduct {
  Field<Complex const> echo1, echo2;
  Field<Complex> product;
  Field<float> squares;
  QSM_HD void operator()(Index3 i) const {
    Complex const first = finite_or_zero(echo1[i]);
    product[i] = product[i] + finite_or_zero(echo2[i]) * conj(first);
    squares[i] += norm(first);
  }
};

struct SquareRoot {
  Field<float const> square;
  Field<float> root;
  QSM_HD void operator()(Index3 i) const { root[i] = sqrtf(square[i]); }
};

/// mask exp(-i factor phase)
struct MakeRotor {
  Field<float const> phase;
  Field<std::uint8_t const> mask;
  float factor;
  Field<Complex> rotor;
  QSM_HD void operator()(Index3 i) const {
    float const psi = factor * phase[i];
    rotor[i] = mask[i] != 0 && is_finite(psi) ? Complex{cosf(psi), -sinf(psi)} : Complex{};
  }
};

double evolution_factor(std::vector<double> const& te_s) {
  require(te_s.size() >= 2, "TOO_FEW_ECHOES",
          "MCPC-3D-S needs two echoes and got " + std::to_string(te_s.size()));
  for (std::size_t e = 0; e < te_s.size(); ++e)
    require(te_s[e] > (e == 0 ? 0.0 : te_s[e - 1]), "ECHO_TIMES",
            "echo time " + std::to_string(e + 1) + " is " + std::to_string(te_s[e]) +
                " s; echo times must be positive and increase");
  return te_s[0] / (te_s[1] - te_s[0]);
}

}  // namespace

template <class Device>
Mcpc3ds<Device>::Mcpc3ds(Device const& device, Grid grid, Vec3d voxel_mm,
                         std::vector<double> const& te_s, Mcpc3dsOptions const& options)
    : device_(device),
      grid_(grid),
      evolution_factor_(evolution_factor(te_s)),
      sum_(device, grid, voxel_mm, static_cast<int>(te_s.size()), options.sigma_mm),
      rotor_(device, grid),
      squares_(device, grid) {
  rotor_.zero();
  squares_.zero();
}

template <class Device>
void Mcpc3ds<Device>::accumulate(Field<Complex const> echo1, Field<Complex const> echo2) {
  for_each_voxel(
      device_, grid_,
      AddHermitianProduct{
          .echo1 = echo1, .echo2 = echo2, .product = rotor_.field(), .squares = squares_.field()});
}

template <class Device>
void Mcpc3ds<Device>::hermitian_phase(Field<float> phase_rad) const {
  for_each_voxel(device_, grid_, Angle{.value = rotor_.view(), .sign = 1, .angle = phase_rad});
}

template <class Device>
void Mcpc3ds<Device>::hermitian_magnitude(Field<float> magnitude) const {
  for_each_voxel(device_, grid_, RootOfModulus{rotor_.view(), magnitude});
}

template <class Device>
void Mcpc3ds<Device>::root_sum_of_squares(Field<float> magnitude) const {
  for_each_voxel(device_, grid_, SquareRoot{squares_.view(), magnitude});
}

template <class Device>
void Mcpc3ds<Device>::set_phase_evolution(Field<float const> unwrapped_hermitian_phase,
                                          Field<std::uint8_t const> mask) {
  require(count_voxels(device_, mask) > 0, "EMPTY_MASK", "the mask has no voxel");
  for_each_voxel(device_, grid_,
                 MakeRotor{.phase = unwrapped_hermitian_phase,
                           .mask = mask,
                           .factor = static_cast<float>(evolution_factor_),
                           .rotor = rotor_.field()});
}

template class Mcpc3ds<ThisDevice>;

}  // namespace qsm
