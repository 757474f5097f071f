#include "background/vsharp_ls.hpp"

#include <cmath>
#include <string>

#include "background/vsharp_operator.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

struct SquareWeight {
  Field<float const> weight;
  Window window;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const {
    float const w = window.grid.contains(i) ? weight[i + window.origin] : 0.0f;
    out[i] = w > 0 && is_finite(w) ? w * w : 0.0f;
  }
};

struct Scale {
  Field<float const> factor;
  Field<float> values;
  QSM_HD void operator()(Index3 i) const { values[i] *= factor[i]; }
};

struct SquaredNorm {
  Field<float const> values;
  QSM_HD double operator()(Index3 i) const {
    double const v = static_cast<double>(values[i]);
    return v * v;
  }
};

/// p^T (A^T w^2 A + lambda) p
struct Curvature {
  Field<float const> direction, normal;
  double lambda;
  QSM_HD double operator()(Index3 i) const {
    double const p = static_cast<double>(direction[i]);
    return p * (static_cast<double>(normal[i]) + lambda * p);
  }
};

/// l += step p;  r -= step (A^T w^2 A + lambda) p. 16 bytes read, 8 written.
struct Advance {
  Field<float const> direction, normal;
  float lambda, step;
  Field<float> local, residual;
  QSM_HD void operator()(Index3 i) const {
    float const p = direction[i];
    local[i] += step * p;
    residual[i] -= step * (normal[i] + lambda * p);
  }
};

struct NextDirection {
  Field<float const> residual;
  float keep;
  Field<float> direction;
  QSM_HD void operator()(Index3 i) const { direction[i] = residual[i] + keep * direction[i]; }
};

struct StoreLocal {
  Field<float const> local;
  Field<std::uint8_t const> shell;
  Window window;
  Field<float> local_ppm;
  Field<std::uint8_t> local_mask;
  QSM_HD void operator()(Index3 i) const {
    bool const inside = shell[i] != 0;
    local_mask[i] = inside;
    local_ppm[i] = inside ? local[i - window.origin] : 0.0f;
  }
};

void check(VsharpLsOptions const& o) {
  require(std::isfinite(o.lambda) && o.lambda > 0, "INVALID_OPTION",
          "lambda is " + std::to_string(o.lambda) + "; it must be positive");
  require(o.iterations >= 1, "INVALID_OPTION",
          "iterations is " + std::to_string(o.iterations) + "; it must be at least 1");
}

template <class Device>
class ConjugateGradients {
 public:
  ConjugateGradients(Device const& device, VsharpOperator<Device>& filter,
                     Field<float const> squared_weight, double lambda)
      : device_(device),
        filter_(filter),
        squared_weight_(squared_weight),
        lambda_(lambda),
        local_(device, filter.grid()),
        residual_(device, filter.grid()),
        direction_(device, filter.grid()),
        normal_(device, filter.grid()) {}

  /// l = 0, r = p = A^T w^2 A f.
  void start(EmbedMasked total) {
    total.to = direction_.field();
    for_each_voxel(device_, filter_.grid(), total);
    apply_normal();
    local_.zero();
    residual_.copy_from(normal_);
    direction_.copy_from(normal_);
    squared_ = first_squared_ = sum_over(device_, filter_.grid(), SquaredNorm{residual_.view()});
  }

  /// Returns the gradient's norm, relative to that at l = 0; 0 once there is none left.
  double step() {
    if (squared_ == 0) return 0;
    apply_normal();
    double const curvature =
        sum_over(device_, filter_.grid(), Curvature{direction_.view(), normal_.view(), lambda_});
    for_each_voxel(device_, filter_.grid(),
                   Advance{.direction = direction_.view(),
                           .normal = normal_.view(),
                           .lambda = static_cast<float>(lambda_),
                           .step = static_cast<float>(squared_ / curvature),
                           .local = local_.field(),
                           .residual = residual_.field()});
    double const squared = sum_over(device_, filter_.grid(), SquaredNorm{residual_.view()});
    for_each_voxel(device_, filter_.grid(),
                   NextDirection{.residual = residual_.view(),
                                 .keep = static_cast<float>(squared / squared_),
                                 .direction = direction_.field()});
    squared_ = squared;
    return std::sqrt(squared_ / first_squared_);
  }

  Field<float const> local() const { return local_.view(); }

 private:
  void apply_normal() {
    filter_.apply(direction_.view(), normal_.field());
    if (squared_weight_)
      for_each_voxel(device_, filter_.grid(), Scale{squared_weight_, normal_.field()});
    filter_.adjoint(normal_.view(), normal_.field());
  }

  Device const& device_;
  VsharpOperator<Device>& filter_;
  Field<float const> squared_weight_;
  double lambda_;
  double squared_ = 0, first_squared_ = 0;  // |r|^2
  Buffer<Device, float> local_, residual_, direction_, normal_;
};

}  // namespace

template <class Device>
void vsharp_ls(Device const& device, Vec3d voxel_mm, Field<float const> total_ppm,
               Field<std::uint8_t const> mask, Field<float const> weight,
               VsharpLsOptions const& options, Field<float> local_ppm,
               Field<std::uint8_t> local_mask, Control const& control) {
  check(options);
  auto const shells =
      find_shells(device, voxel_mm, total_ppm, mask,
                  options.radii_mm.empty() ? vsharp_ls_radii(voxel_mm) : options.radii_mm);
  VsharpOperator<Device> filter(device, voxel_mm, shells, options.moment_match);
  Buffer<Device, float> squared_weight;
  if (weight) {
    squared_weight = {device, filter.grid()};
    for_each_voxel(device, filter.grid(), SquareWeight{weight, shells.box, squared_weight.field()});
  }

  ConjugateGradients<Device> solver(device, filter, squared_weight.view(), options.lambda);
  control.check_cancelled();
  solver.start(EmbedMasked{total_ppm, shells.index.view(), shells.box, {}});
  for (int iteration = 1; iteration <= options.iterations; ++iteration) {
    double const residual = solver.step();
    if (!std::isfinite(residual))
      throw Error(
          ErrorCode::kNotConverged, "NOT_CONVERGED",
          "the local field left the finite numbers in iteration " + std::to_string(iteration));
    control.report({iteration, options.iterations, residual});
    if (residual == 0) break;
  }
  for_each_voxel(device, mask.grid,
                 StoreLocal{.local = solver.local(),
                            .shell = shells.index.view(),
                            .window = shells.box,
                            .local_ppm = local_ppm,
                            .local_mask = local_mask});
}

template void vsharp_ls(ThisDevice const&, Vec3d, Field<float const>, Field<std::uint8_t const>,
                        Field<float const>, VsharpLsOptions const&, Field<float>,
                        Field<std::uint8_t>, Control const&);

}  // namespace qsm
