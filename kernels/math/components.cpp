#include "math/components.hpp"

#include "device/atomic.hpp"
#include "device/buffer.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"

namespace qsm {
namespace {

constexpr std::uint32_t kNone = 0xffffffffu;
constexpr std::uint64_t kTouchesBorder = std::uint64_t{1} << 40;  // above any voxel count

/// A forest over the voxels whose mask equals `inside`: each points to a voxel of its component
/// with a smaller index, a root to itself. Runs along x start out joined.
struct Labels {
  Field<std::uint8_t> mask;
  bool inside;
  Field<std::uint32_t> parent;

  QSM_HD bool holds(std::size_t n) const { return (mask.data[n] != 0) == inside; }
  QSM_HD std::uint32_t root(std::uint32_t n) const {
    for (std::uint32_t up = atomic_load(parent.data + n); up != n;
         up = atomic_load(parent.data + n))
      n = up;
    return n;
  }
  QSM_HD void join(std::uint32_t a, std::uint32_t b) const {
    for (;;) {
      a = root(a);
      b = root(b);
      if (a == b) return;
      std::uint32_t const low = a < b ? a : b;
      std::uint32_t const high = a < b ? b : a;
      std::uint32_t const old = atomic_min(parent.data + high, low);
      if (old == high) return;
      a = old;  // another thread moved `high` first: what it points to now still has to be joined
      b = low;
    }
  }
};

// The kernels below run once per row of the volume: Index3{y, z, 0}.
QSM_HD std::size_t row_begin(Grid g, Index3 row) {
  return g.linear({0, row.x, row.y});
}

struct LabelRuns {
  Labels labels;
  QSM_HD void operator()(Index3 row) const {
    std::size_t const begin = row_begin(labels.mask.grid, row);
    std::uint32_t run = kNone;
    for (std::size_t n = begin; n < begin + static_cast<std::size_t>(labels.mask.grid.nx); ++n) {
      if (!labels.holds(n))
        run = kNone;
      else if (run == kNone)
        run = static_cast<std::uint32_t>(n);
      labels.parent.data[n] = run;
    }
  }
};

/// Joins a voxel with its neighbours at y - 1 and z - 1, once per pair of touching runs.
struct JoinRuns {
  Labels labels;
  QSM_HD void operator()(Index3 i) const {
    Grid const g = labels.mask.grid;
    std::size_t const n = g.linear(i);
    if (!labels.holds(n)) return;
    auto const row = static_cast<std::size_t>(g.nx);
    if (i.y > 0) join(i, n, n - row);
    if (i.z > 0) join(i, n, n - row * static_cast<std::size_t>(g.ny));
  }
  QSM_HD void join(Index3 i, std::size_t n, std::size_t other) const {
    if (!labels.holds(other)) return;
    if (i.x > 0 && labels.holds(n - 1) && labels.holds(other - 1)) return;
    labels.join(static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(other));
  }
};

/// size[root] = voxels of the component, plus kTouchesBorder for each run that lies on a face.
struct CountRuns {
  Labels labels;
  Field<std::uint64_t> size;
  QSM_HD void operator()(Index3 row) const {
    Grid const g = labels.mask.grid;
    std::size_t const begin = row_begin(g, row);
    bool const on_face = row.x == 0 || row.y == 0 || row.x == g.ny - 1 || row.y == g.nz - 1;
    for (int x = 0; x < g.nx;) {
      if (!labels.holds(begin + static_cast<std::size_t>(x))) {
        ++x;
        continue;
      }
      int const first = x;
      while (x < g.nx && labels.holds(begin + static_cast<std::size_t>(x))) ++x;
      std::uint32_t const root =
          labels.root(static_cast<std::uint32_t>(begin + static_cast<std::size_t>(first)));
      bool const border = on_face || first == 0 || x == g.nx;
      atomic_add(size.data + root,
                 static_cast<std::uint64_t>(x - first) + (border ? kTouchesBorder : 0));
    }
  }
};

struct SizeAt {
  Field<std::uint64_t const> size;
  QSM_HD double operator()(Index3 i) const {
    return static_cast<double>(size[i] & (kTouchesBorder - 1));
  }
};

struct MinusIndexOfSize {
  Field<std::uint64_t const> size;
  std::uint64_t wanted;
  QSM_HD double operator()(Index3 i) const {
    return (size[i] & (kTouchesBorder - 1)) == wanted ? -static_cast<double>(size.grid.linear(i))
                                                      : -1e300;
  }
};

struct KeepRoot {
  Labels labels;
  std::uint32_t kept;
  QSM_HD void operator()(Index3 i) const {
    std::size_t const n = labels.mask.grid.linear(i);
    std::uint32_t const run = labels.parent.data[n];
    labels.mask.data[n] = run != kNone && labels.root(run) == kept;
  }
};

struct FillSmall {
  Labels labels;
  Field<std::uint64_t const> size;
  std::uint64_t most;
  QSM_HD void operator()(Index3 i) const {
    std::uint32_t const run = labels.parent[i];
    if (run != kNone && size.data[labels.root(run)] <= most) labels.mask[i] = 1;
  }
};

struct FilledAt {
  Field<std::uint64_t const> size;
  std::uint64_t most;
  QSM_HD double operator()(Index3 i) const {
    return size[i] <= most ? static_cast<double>(size[i]) : 0.0;
  }
};

template <class Device>
struct Labelling {
  Labelling(Device const& device, Field<std::uint8_t> mask, bool inside)
      : parent(device, mask.grid), size(device, mask.grid), labels{mask, inside, parent.field()} {
    Grid const rows{mask.grid.ny, mask.grid.nz, 1};
    size.zero();
    for_each_voxel(device, rows, LabelRuns{labels});
    for_each_voxel(device, mask.grid, JoinRuns{labels});
    for_each_voxel(device, rows, CountRuns{labels, size.field()});
  }
  Buffer<Device, std::uint32_t> parent;
  Buffer<Device, std::uint64_t> size;
  Labels labels;
};

}  // namespace

template <class Device>
std::size_t keep_largest_component(Device const& device, Field<std::uint8_t> mask) {
  Labelling<Device> const pieces(device, mask, true);
  double const largest = max_over(device, mask.grid, SizeAt{pieces.size.view()});
  require(largest > 0, "EMPTY_MASK", "the mask has no voxel");
  double const first = -max_over(
      device, mask.grid, MinusIndexOfSize{pieces.size.view(), static_cast<std::uint64_t>(largest)});
  for_each_voxel(device, mask.grid, KeepRoot{pieces.labels, static_cast<std::uint32_t>(first)});
  return static_cast<std::size_t>(largest);
}

template <class Device>
std::size_t fill_holes(Device const& device, Field<std::uint8_t> mask,
                       double max_fraction_of_volume) {
  Labelling<Device> const holes(device, mask, false);
  auto const most =
      static_cast<std::uint64_t>(max_fraction_of_volume * static_cast<double>(mask.grid.size()));
  for_each_voxel(device, mask.grid, FillSmall{holes.labels, holes.size.view(), most});
  return static_cast<std::size_t>(sum_over(device, mask.grid, FilledAt{holes.size.view(), most}));
}

template std::size_t keep_largest_component(ThisDevice const&, Field<std::uint8_t>);
template std::size_t fill_holes(ThisDevice const&, Field<std::uint8_t>, double);

}  // namespace qsm
