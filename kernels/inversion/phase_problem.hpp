/// The data of one inversion on its padded grid, the map x [rad] that belongs to them, and what is
/// measured of either. The solvers (tv_solver.hpp and its neighbours) iterate over it.
#pragma once

#include "device/buffer.hpp"
#include "device/fft.hpp"
#include "device/filter_pairs.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/run_and_sum.hpp"
#include "device/select.hpp"
#include "inversion/misfit.hpp"
#include "inversion/spectrum_bands.hpp"
#include "inversion/variational.hpp"
#include "math/dipole.hpp"
#include "math/finite.hpp"
#include "math/pad.hpp"
#include "math/stencil.hpp"

namespace qsm {
namespace phase_problem {

/// phi and the misfit's weight on the padded grid: below mu2, and zero wherever there is nothing
/// to trust.
struct LoadData {
  Field<float const> local_ppm;
  Field<std::uint8_t const> mask;
  Field<float const> noise_weight;  // may be empty
  Window window;
  float phase_scale, largest_weight;
  bool squared;
  Field<float> phi, weight;
  QSM_HD void operator()(Index3 i) const {
    phi[i] = 0;
    weight[i] = 0;
    if (!window.grid.contains(i)) return;
    Index3 const from = i + window.origin;
    float const w = noise_weight ? noise_weight[from] : 1.0f;
    float const phase = phase_scale * local_ppm[from];
    if (!mask[from] || !is_finite(phase) || !is_finite(w) || !(w > 0)) return;
    phi[i] = phase;
    float const counts = squared ? w * w : w;
    weight[i] = counts < largest_weight ? counts : largest_weight;
  }
};

struct FillDipole {
  DipoleKernel kernel;
  Field<float> out;
  QSM_HD void operator()(Index3 k) const { out[k] = static_cast<float>(kernel(k)); }
};

struct StartField {
  Field<float const> phi, weight;
  float mu2, relaxation;
  Field<float> u;
  Field<Complex> packed;  // {0, z2}
  QSM_HD void operator()(Index3 i) const {
    float const z2 = weight[i] * phi[i] / (weight[i] + mu2);
    u[i] = (1 - relaxation) * z2;
    packed[i] = {0, z2};
  }
};

/// Where the data count: the voxels of the noise's estimate.
struct HasWeight {
  Field<float const> weight;
  QSM_HD double operator()(Index3 i) const { return weight[i] > 0 ? 1.0 : 0.0; }
};

struct Weight {
  Field<float const> weight;
  QSM_HD double operator()(Index3 i) const { return static_cast<double>(weight[i]); }
};

/// D x in the real part.
struct ApplyDipole {
  Field<float const> dipole;  // half spectrum
  float scale;                // 1/N of the transform pair
  QSM_HD void operator()(Index3 k, Complex& at, Complex& mirror) const {
    at = (scale * dipole[k]) * at;
    mirror = conj(at);
  }
};

/// The misfit of D x, which is the real part of `field`.
struct MisfitOf {
  Misfit misfit;
  Field<float const> weight, phi;
  Field<Complex const> field;
  QSM_HD double operator()(Index3 i) const {
    return misfit_of(misfit, weight[i], field[i].re - phi[i]);
  }
};

struct Variation {
  Field<float const> x;
  Vec3 scale;
  QSM_HD double operator()(Index3 i) const {
    double sum = 0;
    for (int axis = 0; axis < 3; ++axis)
      sum += static_cast<double>(fabsf(forward_difference(x, i, axis, scale[axis])));
    return sum;
  }
};

/// phi, or x inside the mask, to be transformed.
struct PackReal {
  Field<float const> value;
  Field<std::uint8_t const> mask;
  Window window;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const {
    bool const inside = window.grid.contains(i) && mask[i + window.origin];
    packed[i] = {inside ? value[i] : 0.0f, 0.0f};
  }
};

struct PackWhole {
  Field<float const> value;
  Field<Complex> packed;
  QSM_HD void operator()(Index3 i) const { packed[i] = {value[i], 0.0f}; }
};

struct StoreSusceptibility {
  Field<float const> x;
  Field<std::uint8_t const> mask;
  Window window;
  float inverse_scale;
  Field<float> chi_ppm;
  QSM_HD void operator()(Index3 i) const {
    chi_ppm[i] = mask[i] ? inverse_scale * x[i - window.origin] : 0.0f;
  }
};

/// weight <- weight (1 - e)^2, e = |D x - phi| over `largest`, at most 1.
struct DiscountMisfit {
  Field<Complex const> field;
  Field<float const> phi;
  float largest;
  Field<float> weight;
  QSM_HD void operator()(Index3 i) const {
    float const off = fabsf(field[i].re - phi[i]);
    float const kept = off < largest ? 1 - off / largest : 0.0f;
    weight[i] *= kept * kept;
  }
};

struct StoreMisfit {
  Field<Complex const> field;
  Field<float const> phi, weight;
  Field<float> off;
  QSM_HD void operator()(Index3 i) const {
    off[i] = weight[i] > 0 ? fabsf(field[i].re - phi[i]) : nanf("");  // left out of percentiles
  }
};

}  // namespace phase_problem

template <class Device>
class PhaseProblem {
 public:
  /// Allocates. `differences`: their scale along each axis. The field, the mask and the weight
  /// must outlive it.
  PhaseProblem(Device const& on, PaddedProblem const& padded, Vec3d voxel_mm, Vec3d b0_direction,
               Vec3 differences, VariationalOptions const& options, double phase_scale,
               Field<float const> local_ppm, Field<std::uint8_t const> inside,
               Field<float const> noise_weight)
      : device(on),
        grid(padded.grid),
        misfit(options.misfit),
        relaxation(static_cast<float>(options.relaxation)),
        kernel(dipole_kernel(grid, voxel_mm, b0_direction)),
        gradient(differences),
        mask(inside),
        window(padded.window),
        fft(on, grid),
        packed(on, grid),
        phi(on, grid),
        weight(on, grid),
        u(on, grid),
        x(on, grid),
        dipole(on, half_grid(grid)),
        scratch(sum_scratch(on, grid)),
        voxel_mm_(voxel_mm),
        phase_scale_(phase_scale),
        load_{.local_ppm = local_ppm,
              .mask = inside,
              .noise_weight = noise_weight,
              .window = window,
              .phase_scale = static_cast<float>(phase_scale),
              .largest_weight = static_cast<float>(0.999 * options.mu2),
              .squared = is_squared(misfit),
              .phi = phi.field(),
              .weight = weight.field()} {
    for_each_voxel(on, grid, load_);
    for_each_voxel(on, dipole.grid(), phase_problem::FillDipole{kernel, dipole.field()});
  }

  /// Changes the data term, and the weights with it.
  void set_misfit(Misfit m) {
    misfit = m;
    load_.squared = is_squared(m);
    for_each_voxel(device, grid, load_);
  }

  /// x = 0 and D x split off without a multiplier. z2 is the quadratic misfit's step, whatever the
  /// misfit is, for it is only where iterating begins.
  void start(float mu2) {
    x.zero();
    for_each_voxel(device, grid,
                   phase_problem::StartField{.phi = phi.view(),
                                             .weight = weight.view(),
                                             .mu2 = mu2,
                                             .relaxation = relaxation,
                                             .u = u.field(),
                                             .packed = packed.field()});
  }

  /// Standard deviation of the phase's noise [rad]: noise_on_cone() over the voxels with weight.
  double noise_rad() {
    double const voxels = sum_over(device, grid, phase_problem::HasWeight{weight.view()});
    return with_spectrum(phi.view(), [&](Field<Complex const> spectrum) {
      return noise_on_cone(device, kernel, voxel_mm_, spectrum, voxels, scratch);
    });
  }

  /// balance_of_bands() of x inside the mask.
  double band_balance() {
    return with_spectrum(x.view(), [&](Field<Complex const> spectrum) {
      return balance_of_bands(device, kernel, voxel_mm_, spectrum, scratch);
    });
  }

  /// The data term of x.
  double misfit_of_map() {
    apply_dipole_to_map();
    return sum_over(
        device, grid,
        phase_problem::MisfitOf{
            .misfit = misfit, .weight = weight.view(), .phi = phi.view(), .field = packed.view()});
  }

  /// |grad x|_1
  double variation() const {
    return sum_over(device, grid, phase_problem::Variation{x.view(), gradient});
  }

  double sum_of_weights() const {
    return sum_over(device, grid, phase_problem::Weight{weight.view()});
  }

  /// Weighs every voxel down by what x misses of it, over the `percent`th percentile of that.
  void discount_misfit(double percent) {
    apply_dipole_to_map();
    double largest = 0;
    {
      Buffer<Device, float> off(device, grid);
      for_each_voxel(
          device, grid,
          phase_problem::StoreMisfit{packed.view(), phi.view(), weight.view(), off.field()});
      largest = percentiles(device, off.view(), {}, {percent}).front();
    }
    if (largest <= 0) return;
    for_each_voxel(device, grid,
                   phase_problem::DiscountMisfit{.field = packed.view(),
                                                 .phi = phi.view(),
                                                 .largest = static_cast<float>(largest),
                                                 .weight = weight.field()});
  }

  void store(Field<float> chi_ppm) const {
    for_each_voxel(
        device, chi_ppm.grid,
        phase_problem::StoreSusceptibility{.x = x.view(),
                                           .mask = mask,
                                           .window = window,
                                           .inverse_scale = static_cast<float>(1 / phase_scale_),
                                           .chi_ppm = chi_ppm});
  }

  Device const& device;
  Grid const grid;
  Misfit misfit;
  float const relaxation;
  DipoleKernel const kernel;
  Vec3 const gradient;  // scale of the differences along each axis
  Field<std::uint8_t const> const mask;
  Window const window;
  ComplexFft<Device> fft;
  Buffer<Device, Complex> packed;
  Buffer<Device, float> phi, weight, u, x, dipole;  // u: splitting.hpp; dipole: half spectrum
  SumScratch<Device> scratch;

 private:
  /// One complex transform, in the volume that a run starts by filling.
  template <class Measure>
  double with_spectrum(Field<float const> value, Measure measure) {
    for_each_voxel(device, grid,
                   phase_problem::PackReal{
                       .value = value, .mask = mask, .window = window, .packed = packed.field()});
    fft.forward(packed.field());
    return measure(packed.view());
  }

  void apply_dipole_to_map() {
    for_each_voxel(device, grid, phase_problem::PackWhole{x.view(), packed.field()});
    filter_pairs(device, fft, packed.field(),
                 phase_problem::ApplyDipole{dipole.view(), fft.scale()});
  }

  Vec3d voxel_mm_;
  double phase_scale_;
  phase_problem::LoadData load_;
};

}  // namespace qsm
