#include "formats/nifti_geometry.hpp"

#include <array>
#include <cmath>

#include "formats/format_error.hpp"

namespace chistream {

namespace {

using Column = std::array<double, 3>;

/// Column j of a RAS affine, in LPS.
Column column(mat44 const& ras, int j) {
  return {-ras.m[0][j], -ras.m[1][j], ras.m[2][j]};
}

double dot(Column const& a, Column const& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void set(qsm::v1::Vector3& vector, Column const& a, double scale) {
  vector.set_x(a[0] * scale);
  vector.set_y(a[1] * scale);
  vector.set_z(a[2] * scale);
}

}  // namespace

qsm::v1::Geometry geometry_of(mat44 const& ras, qsm::v1::Matrix const& matrix) {
  std::array<Column, 4> const columns{column(ras, 0), column(ras, 1), column(ras, 2),
                                      column(ras, 3)};
  std::array<double, 3> length;
  for (std::size_t j = 0; j < 3; ++j) length[j] = std::sqrt(dot(columns[j], columns[j]));
  double const origin = dot(columns[3], columns[3]);
  for (double const value : length)
    if (!std::isfinite(value) || value < 1e-6 || !std::isfinite(origin))
      throw FormatError("NIFTI_BAD_HEADER", "the NIfTI affine is singular or not finite");
  for (std::size_t j = 0; j < 3; ++j) {
    std::size_t const k = (j + 1) % 3;
    double const cosine = dot(columns[j], columns[k]) / (length[j] * length[k]);
    if (std::abs(cosine) > 1e-3)
      throw FormatError("DIRECTIONS_NOT_ORTHONORMAL",
                        "two axes of the NIfTI affine have a cosine of " + std::to_string(cosine),
                        "resample the images onto a grid with perpendicular axes");
  }
  qsm::v1::Geometry geometry;
  *geometry.mutable_matrix() = matrix;
  set(*geometry.mutable_voxel_mm(), length, 1);
  set(*geometry.mutable_origin_lps_mm(), columns[3], 1);
  set(*geometry.mutable_x_direction_lps(), columns[0], 1 / length[0]);
  set(*geometry.mutable_y_direction_lps(), columns[1], 1 / length[1]);
  set(*geometry.mutable_z_direction_lps(), columns[2], 1 / length[2]);
  return geometry;
}

mat44 ras_affine(qsm::v1::Geometry const& geometry) {
  mat44 ras{};
  auto const set_column = [&](int j, qsm::v1::Vector3 const& lps, double scale) {
    ras.m[0][j] = static_cast<float>(-lps.x() * scale);
    ras.m[1][j] = static_cast<float>(-lps.y() * scale);
    ras.m[2][j] = static_cast<float>(lps.z() * scale);
  };
  set_column(0, geometry.x_direction_lps(), geometry.voxel_mm().x());
  set_column(1, geometry.y_direction_lps(), geometry.voxel_mm().y());
  set_column(2, geometry.z_direction_lps(), geometry.voxel_mm().z());
  set_column(3, geometry.origin_lps_mm(), 1);
  ras.m[3][3] = 1;
  return ras;
}

}  // namespace chistream
