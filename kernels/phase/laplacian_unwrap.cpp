#include "phase/laplacian_unwrap.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "device/launch.hpp"
#include "device/reduce.hpp"
#include "device/select.hpp"
#include "math/count.hpp"
#include "math/finite.hpp"

namespace qsm {
namespace {

// The congruence step forgives errors below pi, so the solution need not be exact.
constexpr double kTolerance = 5e-3;  // of the preconditioned residual norm
constexpr int kMaxIterations = 20;
constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;

/// Neighbours within the mask. Work volumes may be larger than the mask's; beyond it lies
/// background.
struct MaskedStencil {
  Field<std::uint8_t const> mask;
  Vec3 inverse_square;

  QSM_HD bool holds(Index3 i) const { return mask.grid.contains(i) && mask[i] != 0; }

  /// visit(neighbour, h^-2) for each of the six that share an edge with i.
  template <class Visit>
  QSM_HD void for_each_edge(Index3 i, Visit&& visit) const {
    for (int axis = 0; axis < 3; ++axis)
      for (int step = -1; step <= 1; step += 2) {
        Index3 j = i;
        (axis == 0 ? j.x : axis == 1 ? j.y : j.z) += step;
        if (holds(j)) visit(j, inverse_square[axis]);
      }
  }
};

struct SubtractWrapped {
  Field<float const> a, b;
  Index3 i;
  Complex sum;
  QSM_HD void operator()(Index3 j, float weight) {
    sum.re += weight * wrap(finite_or_zero(a[i]) - finite_or_zero(a[j]));
    if (b) sum.im += weight * wrap(finite_or_zero(b[i]) - finite_or_zero(b[j]));
  }
};

struct SubtractNeighbours {
  Field<Complex const> p;
  Complex here;
  Complex sum;
  QSM_HD void operator()(Index3 j, float weight) { sum = sum + weight * (here - p[j]); }
};

/// residual = D^T W wrap(D w), the right-hand side; solution = 0.
struct Start {
  MaskedStencil stencil;
  Field<float const> a, b;
  Field<Complex> solution, residual;
  QSM_HD void operator()(Index3 i) const {
    SubtractWrapped edges{a, b, i, {}};
    if (stencil.holds(i)) stencil.for_each_edge(i, edges);
    residual[i] = edges.sum;
    solution[i] = {};
  }
};

QSM_HD Complex masked_laplacian(MaskedStencil const& stencil, Field<Complex const> p, Index3 i) {
  SubtractNeighbours edges{p, p[i], {}};
  stencil.for_each_edge(i, edges);
  return edges.sum;
}

/// solution += alpha p;  residual -= alpha D^T W D p
struct Step {
  MaskedStencil stencil;
  float alpha;
  Field<Complex const> direction;
  Field<Complex> solution, residual;
  QSM_HD void operator()(Index3 i) const {
    if (!stencil.holds(i)) return;
    solution[i] = solution[i] + alpha * direction[i];
    residual[i] = residual[i] - alpha * masked_laplacian(stencil, direction, i);
  }
};

struct Curvature {  // p . D^T W D p
  MaskedStencil stencil;
  Field<Complex const> direction;
  QSM_HD double operator()(Index3 i) const {
    if (!stencil.holds(i)) return 0;
    Complex const p = direction[i];
    Complex const q = masked_laplacian(stencil, direction, i);
    return static_cast<double>(p.re * q.re + p.im * q.im);
  }
};

struct Product {
  Field<Complex const> a, b;
  QSM_HD double operator()(Index3 i) const {
    return static_cast<double>(a[i].re * b[i].re + a[i].im * b[i].im);
  }
};

/// direction = z + beta direction
struct Turn {
  Field<Complex const> z;
  float beta;
  Field<Complex> direction;
  QSM_HD void operator()(Index3 i) const { direction[i] = z[i] + beta * direction[i]; }
};

QSM_HD float part(Complex v, bool imaginary) {
  return imaginary ? v.im : v.re;
}

struct Turns {  // (u - w) / 2 pi
  Field<Complex const> solution;
  bool imaginary;
  Field<float const> wrapped;
  Field<float> turns;
  QSM_HD void operator()(Index3 i) const {
    turns[i] = (part(solution[i], imaginary) - finite_or_zero(wrapped[i])) / kTwoPi;
  }
};

struct AddTurns {
  Field<float const> turns;
  float median;
  Field<float const> wrapped;
  Field<std::uint8_t const> mask;
  Field<float> unwrapped;
  QSM_HD void operator()(Index3 i) const {
    unwrapped[i] =
        mask[i] == 0 ? 0.0f : finite_or_zero(wrapped[i]) + kTwoPi * rintf(turns[i] - median);
  }
};

Grid work_grid(Grid g) {
  return {fast_size(g.nx), fast_size(g.ny), fast_size(g.nz)};
}

// Only ratios matter, and relative to the finest axis the numbers stay near one.
Vec3 relative_inverse_square(Vec3d h) {
  double const finest = std::min({h.x, h.y, h.z});
  auto const square = [&](double edge) {
    return static_cast<float>(finest * finest / (edge * edge));
  };
  return {square(h.x), square(h.y), square(h.z)};
}

std::vector<float> eigenvalues(int n, float inverse_square) {
  std::vector<float> values;
  for (int k = 0; k < n; ++k) {
    double const s = std::sin(0.5 * std::numbers::pi * k / n);  // 2 - 2 cos = 4 sin^2, uncancelled
    values.push_back(static_cast<float>(4 * static_cast<double>(inverse_square) * s * s));
  }
  return values;
}

}  // namespace

template <class Device>
LaplacianUnwrap<Device>::LaplacianUnwrap(Device const& device, Grid grid, Vec3d voxel_mm)
    : device_(device),
      grid_(grid),
      inverse_square_(relative_inverse_square(voxel_mm)),
      dct_(device, work_grid(grid)),
      solution_(device, dct_.grid()),
      residual_(device, dct_.grid()),
      direction_(device, dct_.grid()),
      work_(device, dct_.grid()),
      turns_(device, grid) {
  for (int axis : {0, 1, 2}) {
    int const n = dct_.grid().extent(axis);
    eigenvalues_[axis] =
        Buffer<Device, float>(device, {n, 1, 1}, eigenvalues(n, inverse_square_[axis]));
  }
}

template <class Device>
void LaplacianUnwrap<Device>::run(Field<float const> wrapped, Field<std::uint8_t const> mask,
                                  Field<float> unwrapped) {
  run(wrapped, {}, mask, unwrapped, {});
}

template <class Device>
void LaplacianUnwrap<Device>::run(Field<float const> wrapped_a, Field<float const> wrapped_b,
                                  Field<std::uint8_t const> mask, Field<float> unwrapped_a,
                                  Field<float> unwrapped_b) {
  require(count_voxels(device_, mask) > 0, "EMPTY_MASK", "the mask has no voxel");
  for_each_voxel(device_, dct_.grid(),
                 Start{.stencil = {mask, inverse_square_},
                       .a = wrapped_a,
                       .b = wrapped_b,
                       .solution = solution_.field(),
                       .residual = residual_.field()});
  solve(mask);
  snap(wrapped_a, mask, false, unwrapped_a);
  if (wrapped_b) snap(wrapped_b, mask, true, unwrapped_b);
}

// Preconditioned conjugate gradients on D^T W D u = residual.
template <class Device>
void LaplacianUnwrap<Device>::solve(Field<std::uint8_t const> mask) {
  Grid const g = dct_.grid();
  MaskedStencil const stencil{mask, inverse_square_};
  direction_.zero();
  double first = 0;
  double previous = 0;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    precondition();
    double const size = sum_over(device_, g, Product{residual_.view(), work_.view()});
    if (iteration == 0) first = size;
    if (!(size > kTolerance * kTolerance * first)) return;
    for_each_voxel(device_, g,
                   Turn{.z = work_.view(),
                        .beta = iteration == 0 ? 0.0f : static_cast<float>(size / previous),
                        .direction = direction_.field()});
    double const curvature = sum_over(device_, grid_, Curvature{stencil, direction_.view()});
    if (!(curvature > 0)) return;
    for_each_voxel(device_, grid_,
                   Step{.stencil = stencil,
                        .alpha = static_cast<float>(size / curvature),
                        .direction = direction_.view(),
                        .solution = solution_.field(),
                        .residual = residual_.field()});
    previous = size;
  }
}

// work = (D^T D)^-1 residual on the whole volume.
template <class Device>
void LaplacianUnwrap<Device>::precondition() {
  dct_.divide_by_sum(residual_.view(), eigenvalues_[0].view().data, eigenvalues_[1].view().data,
                     eigenvalues_[2].view().data, work_.field());
}

template <class Device>
void LaplacianUnwrap<Device>::snap(Field<float const> wrapped, Field<std::uint8_t const> mask,
                                   bool imaginary, Field<float> unwrapped) {
  for_each_voxel(device_, grid_,
                 Turns{.solution = solution_.view(),
                       .imaginary = imaginary,
                       .wrapped = wrapped,
                       .turns = turns_.field()});
  double const median = percentiles(device_, turns_.view(), mask, {50}).front();
  for_each_voxel(device_, grid_,
                 AddTurns{.turns = turns_.view(),
                          .median = static_cast<float>(median),
                          .wrapped = wrapped,
                          .mask = mask,
                          .unwrapped = unwrapped});
}

template class LaplacianUnwrap<ThisDevice>;

}  // namespace qsm
