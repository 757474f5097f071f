#include "formats/dicom/plane.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "formats/dicom/attributes.hpp"
#include "formats/format_error.hpp"

namespace chistream::dicom {

namespace {

std::vector<double> exactly(std::string const& text, std::size_t expected) {
  auto const values = parse_numbers(text);
  bool const far =
      std::any_of(values.begin(), values.end(), [](double value) { return std::abs(value) > 1e5; });
  if (values.size() != expected || far)
    throw FormatError("DICOM_VALUE_INVALID", "position or orientation of an image is not " +
                                                 std::to_string(expected) + " numbers");
  return values;
}

Vector cross(Vector const& a, Vector const& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector unit(Vector v) {
  double const length = std::sqrt(dot(v, v));
  for (double& component : v) component /= length;
  return v;
}

}  // namespace

double dot(Vector const& a, Vector const& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

qsm::v1::Vector3 to_message(Vector const& v) {
  qsm::v1::Vector3 message;
  message.set_x(v[0]);
  message.set_y(v[1]);
  message.set_z(v[2]);
  return message;
}

Vector position_of(std::string const& text) {
  auto const values = exactly(text, 3);
  return {values[0], values[1], values[2]};
}

Orientation orientation_of(std::string const& text) {
  auto const values = exactly(text, 6);
  Vector const row{values[0], values[1], values[2]};
  Vector const column{values[3], values[4], values[5]};
  constexpr double kRounding = 1e-3;
  if (std::abs(dot(row, row) - 1) > kRounding || std::abs(dot(column, column) - 1) > kRounding ||
      std::abs(dot(row, column)) > kRounding)
    throw FormatError("DIRECTIONS_NOT_ORTHONORMAL",
                      "rows and columns of an image do not meet at a right angle");
  Orientation axes;
  axes.row = unit(row);
  axes.normal = unit(cross(row, column));
  axes.column = cross(axes.normal, axes.row);
  return axes;
}

}  // namespace chistream::dicom
