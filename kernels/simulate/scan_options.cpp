#include "simulate/scan_options.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "device/error.hpp"

namespace qsm {
namespace {

void check(ScanOptions const& o) {
  auto const within = [](double v, double low, double high, char const* what) {
    require(v >= low && v <= high, "SCAN_OPTIONS",
            std::string(what) + " " + std::to_string(v) + " is outside " + std::to_string(low) +
                " .. " + std::to_string(high));
  };
  for (int axis : {0, 1, 2}) {
    within(o.matrix.extent(axis), 4, 1024, "matrix size");
    within(o.voxel_mm[axis], 0.1, 10, "voxel size in mm");
  }
  within(o.b0_t, 0.1, 20, "field strength in T");
  within(o.coils, 1, 64, "number of coils");
  within(o.oversampling, 1, 4, "oversampling");
  require(o.snr > 0, "SCAN_OPTIONS", "the signal-to-noise ratio must be above 0");
  require(!o.te_s.empty() && o.te_s.front() > 0 &&
              std::ranges::adjacent_find(o.te_s, std::greater_equal{}) == o.te_s.end(),
          "SCAN_OPTIONS", "echo times must increase from above 0");
  within(o.te_s.back(), 0, 1, "last echo time in s");
  auto const& a = o.axes;
  for (double const product : {dot(a.x, a.x) - 1, dot(a.y, a.y) - 1, dot(a.z, a.z) - 1,
                               dot(a.x, a.y), dot(a.y, a.z), dot(a.z, a.x)})
    within(product, -1e-3, 1e-3, "error of the image axes' orthonormality");
}

}  // namespace

ScanGeometry scan_geometry(ScanOptions const& o) {
  check(o);
  ScanGeometry g{.grid = o.matrix, .voxel_mm = o.voxel_mm, .origin_lps_mm = {}, .axes = o.axes};
  double const x = o.voxel_mm.x * (o.matrix.nx - 1) / 2, y = o.voxel_mm.y * (o.matrix.ny - 1) / 2,
               z = o.voxel_mm.z * (o.matrix.nz - 1) / 2;
  auto const origin = [&](int c) {
    return o.centre_lps_mm[c] - x * g.axes.x[c] - y * g.axes.y[c] - z * g.axes.z[c];
  };
  g.origin_lps_mm = {origin(0), origin(1), origin(2)};
  return g;
}

}  // namespace qsm
