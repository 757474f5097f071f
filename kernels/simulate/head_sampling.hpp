/// The head on a scan's cells, and its averages over the voxels.
#pragma once

#include <cstdint>

#include "device/buffer.hpp"
#include "simulate/cells.hpp"
#include "simulate/head_phantom.hpp"

namespace qsm {

/// Tissue and susceptibility [ppm, relative to water] at the centre of every cell.
template <class Device>
struct SampledHead {
  SampledHead(Device const& device, HeadPhantom const& head, Cells cells);

  Buffer<Device, std::uint8_t> tissue;
  Buffer<Device, float> chi_ppm;
};

/// A voxel is brain (mask 1) if all its cells are, so that the truth of a masked voxel holds no
/// bone and no air. Its label is the commonest among its cells, else among those that are not
/// brain.
template <class Device>
void label_voxels(Device const& device, Cells cells, Field<std::uint8_t const> tissue,
                  Field<std::uint8_t> labels, Field<std::uint8_t> mask);

/// Mean over the cells of each voxel; 0 where a mask is given and is 0.
template <class Device>
void average_cells(Device const& device, Cells cells, Field<float const> values,
                   Field<std::uint8_t const> mask, Field<float> out);

}  // namespace qsm
