/// The cells a voxel is made of: a grid `factor` times finer, with where its points lie.
#pragma once

#include <algorithm>
#include <cmath>

#include "device/field.hpp"
#include "simulate/scan_options.hpp"

namespace qsm {

struct Cells {
  Grid voxels, grid;
  Index3 factor;  // cells per voxel along each axis
  Vec3 origin;    // LPS [mm] of cell (0, 0, 0)
  Vec3 step_x, step_y, step_z;

  /// Cells as near to cubes of (mean voxel edge / oversampling) as whole numbers allow, so that
  /// long voxels are cut along their length.
  Cells(ScanGeometry const& g, int oversampling) : voxels(g.grid) {
    double const edge = std::cbrt(g.voxel_mm.x * g.voxel_mm.y * g.voxel_mm.z) / oversampling;
    auto const cut = [=](double h) { return std::max(1, static_cast<int>(std::lround(h / edge))); };
    factor = {cut(g.voxel_mm.x), cut(g.voxel_mm.y), cut(g.voxel_mm.z)};
    grid = {voxels.nx * factor.x, voxels.ny * factor.y, voxels.nz * factor.z};
    auto const step = [](Vec3d axis, double mm) {
      return Vec3{static_cast<float>(axis.x * mm), static_cast<float>(axis.y * mm),
                  static_cast<float>(axis.z * mm)};
    };
    Vec3d const h = cell_mm(g.voxel_mm);
    step_x = step(g.axes.x, h.x);
    step_y = step(g.axes.y, h.y);
    step_z = step(g.axes.z, h.z);
    // The first voxel's centre lies (factor - 1) / 2 cells into it.
    auto const first = [&](int c) {
      float const x = 0.5f * static_cast<float>(factor.x - 1),
                  y = 0.5f * static_cast<float>(factor.y - 1),
                  z = 0.5f * static_cast<float>(factor.z - 1);
      return static_cast<float>(g.origin_lps_mm[c]) - x * step_x[c] - y * step_y[c] - z * step_z[c];
    };
    origin = {first(0), first(1), first(2)};
  }

  Vec3d cell_mm(Vec3d voxel_mm) const {
    return {voxel_mm.x / factor.x, voxel_mm.y / factor.y, voxel_mm.z / factor.z};
  }
  QSM_HD float share() const {  // of one cell in its voxel
    return 1 / static_cast<float>(factor.x * factor.y * factor.z);
  }

  QSM_HD Vec3 at(float x, float y, float z) const {
    return {origin.x + x * step_x.x + y * step_y.x + z * step_z.x,
            origin.y + x * step_x.y + y * step_y.y + z * step_z.y,
            origin.z + x * step_x.z + y * step_y.z + z * step_z.z};
  }
  QSM_HD Vec3 centre(Index3 cell) const {
    return at(static_cast<float>(cell.x), static_cast<float>(cell.y), static_cast<float>(cell.z));
  }
  QSM_HD Vec3 voxel_centre(Index3 v) const {
    auto const middle = [](int n, int f) {
      return static_cast<float>(n * f) + 0.5f * static_cast<float>(f - 1);
    };
    return at(middle(v.x, factor.x), middle(v.y, factor.y), middle(v.z, factor.z));
  }
  QSM_HD Index3 voxel_of(Index3 cell) const {
    return {cell.x / factor.x, cell.y / factor.y, cell.z / factor.z};
  }

  template <class F>
  QSM_HD void for_each_cell(Index3 voxel, F const& f) const {
    for (int z = 0; z < factor.z; ++z)
      for (int y = 0; y < factor.y; ++y)
        for (int x = 0; x < factor.x; ++x)
          f(Index3{voxel.x * factor.x + x, voxel.y * factor.y + y, voxel.z * factor.z + z});
  }
};

}  // namespace qsm
