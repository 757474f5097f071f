#include "worker/dicom_geometry.hpp"

#include <charconv>
#include <cmath>

#include "device/error.hpp"

namespace chistream {

namespace {

constexpr std::size_t kDecimalStringMax = 16;

std::string join(double a, double b, double c) {
  return decimal_string(a) + '\\' + decimal_string(b) + '\\' + decimal_string(c);
}

// z_direction . (x_direction cross y_direction): +1 for a right-handed volume.
double handedness(qsm::v1::Geometry const& g) {
  auto const& x = g.x_direction_lps();
  auto const& y = g.y_direction_lps();
  auto const& z = g.z_direction_lps();
  return z.x() * (x.y() * y.z() - x.z() * y.y()) + z.y() * (x.z() * y.x() - x.x() * y.z()) +
         z.z() * (x.x() * y.y() - x.y() * y.x());
}

}  // namespace

std::string decimal_string(double value) {
  qsm::require(std::isfinite(value), "NON_FINITE_VALUE",
               "a number of the exam that goes into the DICOM series is not finite");
  if (value == 0) return "0";  // and never "-0"
  char text[64];
  auto end = std::to_chars(text, text + sizeof(text), value);
  for (int digits = 15; static_cast<std::size_t>(end.ptr - text) > kDecimalStringMax; --digits)
    end = std::to_chars(text, text + sizeof(text), value, std::chars_format::general, digits);
  return {text, end.ptr};
}

int SlicePlanes::slice_of(int instance_number) const {
  return handedness(geometry_) > 0 ? instance_number - 1 : count() - instance_number;
}

std::string SlicePlanes::position(int z) const {
  if (!exam_.source_slices().empty()) return exam_.source_slices(z).position();
  auto const& origin = geometry_.origin_lps_mm();
  auto const& direction = geometry_.z_direction_lps();
  double const distance = z * geometry_.voxel_mm().z();
  return join(origin.x() + distance * direction.x(), origin.y() + distance * direction.y(),
              origin.z() + distance * direction.z());
}

std::string SlicePlanes::orientation() const {
  if (!exam_.source_orientation().empty()) return exam_.source_orientation();
  auto const& x = geometry_.x_direction_lps();
  auto const& y = geometry_.y_direction_lps();
  return join(x.x(), x.y(), x.z()) + '\\' + join(y.x(), y.y(), y.z());
}

std::string SlicePlanes::pixel_spacing() const {
  return decimal_string(geometry_.voxel_mm().y()) + '\\' + decimal_string(geometry_.voxel_mm().x());
}

std::string SlicePlanes::slice_spacing() const {
  return decimal_string(geometry_.voxel_mm().z());
}

}  // namespace chistream
