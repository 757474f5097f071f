/// What is scanned and how, and where the volume lies in the patient (LPS: x to the left, y to the
/// back, z to the head; mm).
#pragma once

#include <cstdint>
#include <numbers>
#include <vector>

#include "math/vec.hpp"
#include "simulate/head_phantom.hpp"

namespace qsm {

/// Unit vectors along increasing x, y, z index, in the patient frame.
struct ImageAxes {
  Vec3d x{1, 0, 0}, y{0, 1, 0}, z{0, 0, 1};
};

/// Axial slices tilted about the patient's left-right axis (as along AC-PC), then turned about the
/// image y axis, so that B0 leaves every coordinate plane of the image when both angles are set.
inline ImageAxes oblique_axes(double tilt_degrees, double turn_degrees = 0) {
  double const a = tilt_degrees * std::numbers::pi / 180;
  double const b = turn_degrees * std::numbers::pi / 180;
  Vec3d const x{1, 0, 0}, y{0, std::cos(a), std::sin(a)}, z{0, -std::sin(a), std::cos(a)};
  auto const blend = [](double p, Vec3d u, double q, Vec3d v) {
    return Vec3d{p * u.x + q * v.x, p * u.y + q * v.y, p * u.z + q * v.z};
  };
  return {blend(std::cos(b), x, -std::sin(b), z), y, blend(std::sin(b), x, std::cos(b), z)};
}

struct ScanGeometry {
  Grid grid;
  Vec3d voxel_mm{1, 1, 1};
  Vec3d origin_lps_mm;  // centre of voxel (0, 0, 0)
  ImageAxes axes;

  /// B0 (the patient's z axis) in image axes: a unit vector.
  Vec3d b0_direction() const { return {axes.x.z, axes.y.z, axes.z.z}; }
};

struct ScanOptions {
  Grid matrix{160, 192, 144};      // at least 4 on each axis
  Vec3d voxel_mm{1, 1, 1};         // 0.1 .. 10
  ImageAxes axes;                  // axial; oblique_axes(...) for another
  Vec3d centre_lps_mm{3, -4, 12};  // centre of the volume; the head's own origin is mid-brain
  double b0_t = 3;
  std::vector<double> te_s{0.004, 0.010, 0.016, 0.022, 0.028};  // increasing, above 0
  int coils = 8;                                                // 1 .. 64
  double snr = 40;                                              // infinity: no noise
  std::uint64_t seed = 1;  // of noise and shim; the anatomy has its own
  int oversampling = 2;    // 1 .. 4; 1 for quick tests
  double padding = 1.75;   // of the free-space convolution
  HeadOptions head;
};

/// Throws Error{kInvalidArgument, "SCAN_OPTIONS"} if an option is outside its range.
ScanGeometry scan_geometry(ScanOptions const& options);

}  // namespace qsm
