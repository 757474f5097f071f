// Transforms of volumes, axis by axis: rows along x and columns along y slice by slice while a
// slice is in the cache, then columns along z.
#include <algorithm>

#include "device/cpu/line_fft.hpp"
#include "device/fft.hpp"

namespace qsm {
namespace {

std::size_t size(int n) {
  return static_cast<std::size_t>(n);
}

/// Along y, in slice z.
void columns_of_slice(Columns const& columns, Complex* data, Grid grid, int z) {
  columns(data + grid.linear({0, 0, z}), size(grid.nx), size(grid.nx));
}

/// Along z, all of them; the threads share tiles of columns.
void columns_along_z(Columns const& columns, Complex* data, Grid grid) {
  if (grid.nz == 1) return;
  std::size_t const lines = size(grid.nx) * size(grid.ny), width = Columns::kWidth;
#pragma omp parallel for schedule(static)
  for (std::size_t at = 0; at < lines; at += width)
    columns(data + at, lines, std::min(width, lines - at));
}

/// Eight columns along z and the eight that mirror them, gathered into one tile of sixteen:
/// forward, change, inverse, and back.
class PairedColumns {
 public:
  PairedColumns(Columns const& forward, Columns const& inverse, Field<Complex> data)
      : forward_(forward), inverse_(inverse), data_(data) {}

  /// `pairs` columns from `first` on, along `axis`.
  template <class Change>
  void operator()(Index3 first, int axis, int pairs, Change const& change) const {
    Grid const g = data_.grid;
    std::ptrdiff_t const slice = std::ptrdiff_t{g.nx} * g.ny;
    std::ptrdiff_t const step = axis == 0 ? 1 : g.nx;
    Complex* const column = data_.data + g.linear(first);
    // Mirrors run backwards; the one of y = 0 is not among those of y > 0.
    bool const from_zero = axis == 1 && first.y == 0;
    Complex* const mirror =
        data_.data + g.linear({first.x == 0 ? 0 : g.nx - first.x,
                               first.y == 0 ? (axis == 0 ? 0 : g.ny) : g.ny - first.y, 0});
    Complex* const tile = forward_.buffer();
    auto const each = [&](auto const& copy) {
      for (int z = 0; z < g.nz; ++z) {
        std::ptrdiff_t const at = z * slice;
        Complex* const row = tile + std::ptrdiff_t{kRow} * z;
        if (axis == 0 && pairs == kPairs)
          for (int j = 0; j < kPairs; ++j) {
            copy(column[at + j], row[j]);
            copy(mirror[at - j], row[kPairs + j]);
          }
        else
          for (int j = 0; j < pairs; ++j) {
            copy(column[at + j * step], row[j]);
            copy(from_zero && j == 0 ? column[at] : mirror[at - j * step], row[kPairs + j]);
          }
      }
    };
    each([](Complex const& from, Complex& to) { to = from; });
    forward_.transform(tile);
    change(PairTile{pairs, axis, first, tile, tile + kPairs});
    inverse_.transform(tile);
    each([](Complex& to, Complex const& from) { to = from; });
  }

 private:
  static constexpr int kPairs = PairTile::kPairs, kRow = Columns::kWidth;
  static_assert(kRow == 2 * kPairs);
  Columns const &forward_, &inverse_;
  Field<Complex> data_;
};

}  // namespace

template <>
struct RealFft<Cpu>::Plans {
  explicit Plans(Grid g)
      : rows(g.nx, g.ny),
        y{Columns(g.ny, Sign::kForward), Columns(g.ny, Sign::kInverse)},
        z{Columns(g.nz, Sign::kForward), Columns(g.nz, Sign::kInverse)} {}
  RealRows rows;
  Columns y[2], z[2];  // forward, inverse
};

template <>
RealFft<Cpu>::RealFft(Cpu const&, Grid grid) : grid_(grid), plans_(std::make_unique<Plans>(grid)) {}
template <>
RealFft<Cpu>::~RealFft() = default;
template <>
RealFft<Cpu>::RealFft(RealFft&&) noexcept = default;

template <>
void RealFft<Cpu>::forward(Field<float const> in, Field<Complex> out) const {
  Grid const spectrum = half();
#pragma omp parallel for schedule(static)
  for (int z = 0; z < grid_.nz; ++z) {
    plans_->rows.forward(in.data + grid_.linear({0, 0, z}), out.data + spectrum.linear({0, 0, z}));
    columns_of_slice(plans_->y[0], out.data, spectrum, z);
  }
  columns_along_z(plans_->z[0], out.data, spectrum);
}

template <>
void RealFft<Cpu>::inverse(Field<Complex> in, Field<float> out) const {
  Grid const spectrum = half();
  columns_along_z(plans_->z[1], in.data, spectrum);
#pragma omp parallel for schedule(static)
  for (int z = 0; z < grid_.nz; ++z) {
    columns_of_slice(plans_->y[1], in.data, spectrum, z);
    plans_->rows.inverse(in.data + spectrum.linear({0, 0, z}), out.data + grid_.linear({0, 0, z}));
  }
}

template <>
struct ComplexFft<Cpu>::Plans {
  struct OneWay {
    OneWay(Grid g, Sign sign) : x(g.nx, g.ny, sign), y(g.ny, sign), z(g.nz, sign) {}
    ComplexRows x;
    Columns y, z;
  };

  Plans(Grid g, int only) : axis(only), forward(g, Sign::kForward), inverse(g, Sign::kInverse) {}

  void run(OneWay const& plan, Field<Complex> data) const {
    if (axis != 2) run_slices(plan, data);
    if (axis < 0 || axis == 2) columns_along_z(plan.z, data.data, data.grid);
  }

  void run_slices(OneWay const& plan, Field<Complex> data) const {
    Grid const g = data.grid;
#pragma omp parallel for schedule(static)
    for (int z = 0; z < g.nz; ++z) {
      if (axis != 1) plan.x(data.data + g.linear({0, 0, z}));
      if (axis != 0) columns_of_slice(plan.y, data.data, g, z);
    }
  }

  int axis;  // -1: all
  OneWay forward, inverse;
};

template <>
ComplexFft<Cpu>::ComplexFft(Cpu const&, Grid grid)
    : grid_(grid), plans_(std::make_unique<Plans>(grid, -1)) {}
template <>
ComplexFft<Cpu>::ComplexFft(Cpu const&, Grid grid, int axis)
    : grid_(grid), plans_(std::make_unique<Plans>(grid, axis)) {}
template <>
ComplexFft<Cpu>::~ComplexFft() = default;
template <>
ComplexFft<Cpu>::ComplexFft(ComplexFft&&) noexcept = default;

template <>
void ComplexFft<Cpu>::forward(Field<Complex> data) const {
  plans_->run(plans_->forward, data);
}

template <>
void ComplexFft<Cpu>::inverse(Field<Complex> data) const {
  plans_->run(plans_->inverse, data);
}

/// Columns with 0 < kx < nx/2 in rows of eight; those of kx = 0 and nx/2, whose mirrors have the
/// same kx, with 0 <= ky <= ny/2.
template <>
void ComplexFft<Cpu>::filter(Field<Complex> data,
                             std::function<void(PairTile const&)> const& change) const {
  constexpr int kPairs = PairTile::kPairs;
  plans_->run_slices(plans_->forward, data);
  PairedColumns const columns(plans_->forward.z, plans_->inverse.z, data);
  int const inner = (grid_.nx - 1) / 2, upper = grid_.ny / 2 + 1;
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (int y = 0; y < grid_.ny; ++y)
      for (int x = 1; x <= inner; x += kPairs)
        columns({x, y, 0}, 0, std::min(kPairs, inner + 1 - x), change);
#pragma omp for schedule(static)
    for (int y = 0; y < upper; y += kPairs)
      for (int x = 0; x < grid_.nx; x += grid_.nx % 2 == 0 ? grid_.nx / 2 : grid_.nx)
        columns({x, y, 0}, 1, std::min(kPairs, upper - y), change);
  }
  plans_->run_slices(plans_->inverse, data);
}

}  // namespace qsm
