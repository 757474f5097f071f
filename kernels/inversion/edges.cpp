#include "inversion/edges.hpp"

#include "device/launch.hpp"
#include "device/select.hpp"
#include "math/stencil.hpp"

namespace qsm {
namespace {

/// The three differences' sizes, one volume behind the other, and which of them are the mask's.
struct Differences {
  Field<float const> image;
  Field<std::uint8_t const> mask;
  Window window;
  Vec3 scale;
  Field<float> size;
  Field<std::uint8_t> counts;
  QSM_HD void operator()(Index3 i) const {
    bool const inside = window.grid.contains(i) && mask[i + window.origin];
    for (int axis = 0; axis < 3; ++axis) {
      Index3 const to = {i.x, i.y, i.z + axis * image.grid.nz};
      size[to] = fabsf(forward_difference(image, i, axis, scale[axis]));
      counts[to] = inside;
    }
  }
};

struct MarkEdges {
  Field<float const> size;
  float threshold;
  Field<std::uint8_t> edges;
  QSM_HD void operator()(Index3 i) const {
    int bits = 0;
    for (int axis = 0; axis < 3; ++axis)
      bits |= (size[{i.x, i.y, i.z + axis * edges.grid.nz}] > threshold ? 1 : 0) << axis;
    edges[i] = static_cast<std::uint8_t>(bits);
  }
};

}  // namespace

template <class Device>
Buffer<Device, std::uint8_t> find_edges(Device const& device, PaddedProblem const& padded,
                                        Vec3 scale, Field<float const> image,
                                        Field<std::uint8_t const> mask) {
  Grid const g = padded.grid, stacked = {g.nx, g.ny, 3 * g.nz};
  Buffer<Device, float> masked(device, g), size(device, stacked);
  Buffer<Device, std::uint8_t> counts(device, stacked), edges(device, g);
  for_each_voxel(device, g, EmbedMasked{image, mask, padded.window, masked.field()});
  for_each_voxel(device, g,
                 Differences{.image = masked.view(),
                             .mask = mask,
                             .window = padded.window,
                             .scale = scale,
                             .size = size.field(),
                             .counts = counts.field()});
  auto const sizes = percentiles(device, size.view(), counts.view(), {100 * (1 - kEdgeShare), 100});
  double const threshold = sizes[0];
  require(sizes[1] > 0, "NO_EDGES", "the image whose edges the map may follow is flat");
  for_each_voxel(device, g, MarkEdges{size.view(), static_cast<float>(threshold), edges.field()});
  return edges;
}

template Buffer<ThisDevice, std::uint8_t> find_edges(ThisDevice const&, PaddedProblem const&, Vec3,
                                                     Field<float const>, Field<std::uint8_t const>);

}  // namespace qsm
