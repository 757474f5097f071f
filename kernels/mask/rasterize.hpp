/// The voxels inside a closed surface.
#pragma once

#include <cstdint>
#include <vector>

#include "device/grid.hpp"
#include "mask/icosphere.hpp"

namespace qsm {

/// 1 where the surface winds around the voxel's centre, in mm from the centre of voxel (0, 0, 0).
/// Lines along x enter and leave the surface; the crossings are counted with their sign, so that a
/// surface that overlaps itself is filled as well, and nothing outside can be: no flood is needed.
/// The surface may reach beyond the grid.
std::vector<std::uint8_t> rasterize(Mesh const& surface, Grid grid, Vec3d voxel_mm);

}  // namespace qsm
