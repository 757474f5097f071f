/// Where a DICOM image lies in the patient.
#pragma once

#include <array>
#include <string>

#include "qsm/v1/acquisition.pb.h"

namespace chistream::dicom {

using Vector = std::array<double, 3>;

/// "x\y\z". Throws FormatError DICOM_VALUE_INVALID.
Vector position_of(std::string const& text);

struct Orientation {
  Vector row;     // direction along increasing column index
  Vector column;  // along increasing row index
  Vector normal;  // row cross column
};

/// Six numbers; the directions are made exactly orthonormal (scanners round them).
/// Throws FormatError DICOM_VALUE_INVALID, DIRECTIONS_NOT_ORTHONORMAL beyond 1e-3.
Orientation orientation_of(std::string const& text);

double dot(Vector const& a, Vector const& b);
qsm::v1::Vector3 to_message(Vector const& v);

}  // namespace chistream::dicom
