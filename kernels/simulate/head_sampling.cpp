#include "simulate/head_sampling.hpp"

#include "device/launch.hpp"

namespace qsm {
namespace {

struct SampleHead {
  HeadView head;
  Cells cells;
  Field<std::uint8_t> tissue;
  Field<float> chi;
  QSM_HD void operator()(Index3 i) const {
    HeadSample const sample = head.at(cells.centre(i));
    tissue[i] = static_cast<std::uint8_t>(sample.tissue);
    chi[i] = sample.chi_ppm;
  }
};

struct LabelVoxel {
  Cells cells;
  Field<std::uint8_t const> tissue;
  Field<std::uint8_t> labels, mask;

  QSM_HD void operator()(Index3 voxel) const {
    int count[kTissueCount] = {};
    cells.for_each_cell(voxel, [&](Index3 cell) { ++count[tissue[cell]]; });
    int brain = -1, other = -1;
    for (int t = 0; t < kTissueCount; ++t) {
      int& best = is_brain(static_cast<Tissue>(t)) ? brain : other;
      if (count[t] > (best < 0 ? 0 : count[best])) best = t;
    }
    labels[voxel] = static_cast<std::uint8_t>(other < 0 ? brain : other);
    mask[voxel] = static_cast<std::uint8_t>(other < 0);
  }
};

struct AverageCells {
  Cells cells;
  Field<float const> values;
  Field<std::uint8_t const> mask;
  Field<float> out;
  QSM_HD void operator()(Index3 voxel) const {
    float sum = 0;
    if (!mask || mask[voxel]) cells.for_each_cell(voxel, [&](Index3 cell) { sum += values[cell]; });
    out[voxel] = cells.share() * sum;
  }
};

}  // namespace

template <class Device>
SampledHead<Device>::SampledHead(Device const& device, HeadPhantom const& head, Cells cells)
    : tissue(device, cells.grid), chi_ppm(device, cells.grid) {
  Buffer<Device, Solid> const soft(device, list_grid(head.soft), head.soft);
  Buffer<Device, Solid> const cavities(device, list_grid(head.cavities), head.cavities);
  Buffer<Device, Solid> const regions(device, list_grid(head.regions), head.regions);
  Buffer<Device, Tube> const veins(device, list_grid(head.veins), head.veins);
  HeadView const view{head.anatomy,    head.tissues,   soft.view(),
                      cavities.view(), regions.view(), veins.view()};
  for_each_voxel(device, cells.grid, SampleHead{view, cells, tissue.field(), chi_ppm.field()});
  device.synchronize();  // the lists above go away
}

template <class Device>
void label_voxels(Device const& device, Cells cells, Field<std::uint8_t const> tissue,
                  Field<std::uint8_t> labels, Field<std::uint8_t> mask) {
  for_each_voxel(device, cells.voxels, LabelVoxel{cells, tissue, labels, mask});
}

template <class Device>
void average_cells(Device const& device, Cells cells, Field<float const> values,
                   Field<std::uint8_t const> mask, Field<float> out) {
  for_each_voxel(device, cells.voxels, AverageCells{cells, values, mask, out});
}

template struct SampledHead<ThisDevice>;
template void label_voxels(ThisDevice const&, Cells, Field<std::uint8_t const>, Field<std::uint8_t>,
                           Field<std::uint8_t>);
template void average_cells(ThisDevice const&, Cells, Field<float const>, Field<std::uint8_t const>,
                            Field<float>);

}  // namespace qsm
