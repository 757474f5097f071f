#include "simulate/forward_field.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "device/launch.hpp"

namespace qsm {
namespace {

Grid padded(Grid g, double padding) {
  require(padding >= 1, "SCAN_OPTIONS", "padding " + std::to_string(padding) + " is below 1");
  auto const grow = [=](int n) { return fast_size(static_cast<int>(std::ceil(padding * n))); };
  return {grow(g.nx), grow(g.ny), grow(g.nz)};
}

struct Green {
  Vec3d voxel_mm, b0;

  QSM_HD double operator()(int x, int y, int z) const {
    Vec3d const r{x * voxel_mm.x, y * voxel_mm.y, z * voxel_mm.z};
    double const r2 = dot(r, r), along = dot(b0, r);
    double const strength = voxel_mm.x * voxel_mm.y * voxel_mm.z / (4 * std::numbers::pi);
    return strength * (3 * along * along - r2) / (r2 * r2 * sqrt(r2));
  }

  /// What the origin must hold for the kernel's sum over any large sphere to vanish. The weight
  /// exp(-r^2 / 2 s^2) turns the sphere's ragged edge, which would dominate, into a smooth one.
  double origin() const {
    if (voxel_mm.x == voxel_mm.y && voxel_mm.y == voxel_mm.z) return 0;  // by symmetry
    double const widest = std::max({voxel_mm.x, voxel_mm.y, voxel_mm.z});
    double const s = 6 * widest, reach = 5 * s;
    auto const count = [=](double h) { return static_cast<int>(reach / h); };
    double sum = 0;
    for (int z = -count(voxel_mm.z); z <= count(voxel_mm.z); ++z)
      for (int y = -count(voxel_mm.y); y <= count(voxel_mm.y); ++y)
        for (int x = -count(voxel_mm.x); x <= count(voxel_mm.x); ++x) {
          if (x == 0 && y == 0 && z == 0) continue;
          Vec3d const r{x * voxel_mm.x, y * voxel_mm.y, z * voxel_mm.z};
          sum += (*this)(x, y, z) * std::exp(-dot(r, r) / (2 * s * s));
        }
    return -sum;
  }
};

struct SampleGreen {
  Green green;
  float origin;
  Field<float> out;

  QSM_HD void operator()(Index3 i) const {
    Grid const g = out.grid;
    // An even axis has no partner for its plane -N/2; zeroing it keeps the kernel even.
    bool const unpaired = 2 * i.x == g.nx || 2 * i.y == g.ny || 2 * i.z == g.nz;
    int const x = signed_frequency(i.x, g.nx), y = signed_frequency(i.y, g.ny),
              z = signed_frequency(i.z, g.nz);
    bool const at_origin = x == 0 && y == 0 && z == 0;
    out[i] = at_origin ? origin : unpaired ? 0.0f : static_cast<float>(green(x, y, z));
  }
};

struct RealPart {
  Field<Complex const> in;
  Field<float> out;
  float scale;
  QSM_HD void operator()(Index3 i) const { out[i] = scale * in[i].re; }
};

struct Pad {
  Field<float const> in;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = in.grid.contains(i) ? in[i] : 0.0f; }
};

struct Multiply {
  Field<Complex> spectrum;
  Field<float const> kernel;
  QSM_HD void operator()(Index3 i) const { spectrum[i] = kernel[i] * spectrum[i]; }
};

struct Crop {
  Field<float const> in;
  Field<float> out;
  QSM_HD void operator()(Index3 i) const { out[i] = in[i]; }
};

}  // namespace

template <class Device>
ForwardField<Device>::ForwardField(Device const& device, Grid grid, Vec3d voxel_mm, Vec3d b0,
                                   double padding)
    : device_(&device),
      grid_(grid),
      fft_(device, padded(grid, padding)),
      volume_(device, fft_.grid()),
      spectrum_(device, fft_.half()),
      kernel_(device, fft_.half()) {
  Green const green{voxel_mm, normalized(b0)};
  for_each_voxel(device, fft_.grid(),
                 SampleGreen{green, static_cast<float>(green.origin()), volume_.field()});
  fft_.forward(volume_.view(), spectrum_.field());
  for_each_voxel(device, fft_.half(), RealPart{spectrum_.view(), kernel_.field(), fft_.scale()});
}

template <class Device>
void ForwardField<Device>::apply(Field<float const> chi, Field<float> field) {
  require(chi.grid == grid_ && field.grid == grid_, "SHAPE_MISMATCH",
          "the forward field was built for another grid");
  for_each_voxel(*device_, fft_.grid(), Pad{chi, volume_.field()});
  fft_.forward(volume_.view(), spectrum_.field());
  for_each_voxel(*device_, fft_.half(), Multiply{spectrum_.field(), kernel_.view()});
  fft_.inverse(spectrum_.field(), volume_.field());
  for_each_voxel(*device_, grid_, Crop{volume_.view(), field});
}

template <class Device>
std::size_t ForwardField<Device>::memory_bytes(Grid grid, double padding) {
  Grid const full = padded(grid, padding);
  return full.size() * sizeof(float) + half_grid(full).size() * (sizeof(Complex) + sizeof(float));
}

template class ForwardField<ThisDevice>;

}  // namespace qsm
