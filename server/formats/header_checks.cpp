#include <array>
#include <cmath>
#include <string>

#include "formats/dicom/plane.hpp"
#include "formats/format_error.hpp"
#include "formats/inspect.hpp"

namespace chistream {

namespace {

constexpr double kPlaceTolerance = 0.06;   // of the distance between slices
constexpr double kSameDirection = 0.9999;  // cosine

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

void check_echo_times(qsm::v1::ExamHeader const& header) {
  if (header.te_s().empty())
    throw FormatError("ECHO_COUNT_MISMATCH", "the exam names no echo time");
  double previous = 0;
  for (double const te : header.te_s()) {
    if (!(te >= 1e-4 && te <= 0.1))
      throw FormatError("TE_OUT_OF_RANGE",
                        "echo time " + number(1e3 * te) + " ms is outside 0.1 to 100 ms",
                        "echo times are in seconds");
    if (te <= previous)
      throw FormatError(
          "TE_NOT_INCREASING",
          "echo time " + number(1e3 * te) + " ms follows " + number(1e3 * previous) + " ms",
          "give one echo time per echo, in the order of the data");
    previous = te;
  }
}

void check_axis(char axis, std::uint64_t matrix, double voxel_mm) {
  std::string const name(1, axis);
  if (matrix < 4 || matrix > 1024)
    throw FormatError("MATRIX_OUT_OF_RANGE", "the matrix has " + std::to_string(matrix) +
                                                 " voxels along " + name + ", not 4 to 1024");
  if (voxel_mm == 0)
    throw FormatError("ZERO_FIELD_OF_VIEW", "the field of view along " + name + " is 0 mm");
  if (!(voxel_mm >= 0.1 && voxel_mm <= 10))
    throw FormatError("VOXEL_OUT_OF_RANGE", "the voxel is " + number(voxel_mm) + " mm along " +
                                                name + ", not 0.1 to 10 mm");
}

void check_encoded(char axis, std::uint64_t encoded, std::uint64_t matrix) {
  std::string const name(1, axis);
  if (encoded > 4096)
    throw FormatError("MATRIX_OUT_OF_RANGE", "the k-space matrix has " + std::to_string(encoded) +
                                                 " points along " + name + ", more than 4096");
  if (encoded < matrix)
    throw FormatError("INTERPOLATION_UNSUPPORTED",
                      std::to_string(encoded) + " k-space points along " + name + " for " +
                          std::to_string(matrix) + " voxels",
                      "ask for an image matrix no larger than the encoded one");
}

void check_field_strength(qsm::v1::ExamHeader const& header) {
  constexpr double kHzPerTesla = 42.577478518e6;  // proton, CODATA 2018
  double const b0 = header.b0_t();
  if (!(b0 >= 0.2 && b0 <= 12))
    throw FormatError("B0_OUT_OF_RANGE", "B0 is " + number(b0) + " T, not 0.2 to 12 T");
  double const expected = header.frequency_hz() / kHzPerTesla;
  if (header.frequency_hz() != 0 && !(std::abs(expected - b0) <= 0.2 * b0))
    throw FormatError("B0_OUT_OF_RANGE", "B0 is " + number(b0) +
                                             " T, but the resonance frequency " +
                                             number(header.frequency_hz() * 1e-6) +
                                             " MHz belongs to " + number(expected) + " T");
}

void check_directions(qsm::v1::Geometry const& geometry) {
  auto const& x = geometry.x_direction_lps();
  auto const& y = geometry.y_direction_lps();
  auto const& z = geometry.z_direction_lps();
  auto const dot = [](qsm::v1::Vector3 const& a, qsm::v1::Vector3 const& b) {
    return a.x() * b.x() + a.y() * b.y() + a.z() * b.z();
  };
  // Negated comparisons, so that what is not a number is refused too.
  for (double const deviation :
       {dot(x, x) - 1, dot(y, y) - 1, dot(z, z) - 1, dot(x, y), dot(y, z), dot(z, x)})
    if (!(std::abs(deviation) <= 2e-3))
      throw FormatError(
          "DIRECTIONS_NOT_ORTHONORMAL",
          "the volume axes deviate from an orthonormal frame by " + number(deviation));
  auto const& origin = geometry.origin_lps_mm();
  if (!std::isfinite(dot(origin, origin)))
    throw FormatError("BAD_HEADER", "the position of the volume is not finite");
}

/// The text of the source images' places goes into the result as it is, so it must be true.
void check_sources(qsm::v1::ExamHeader const& header) {
  if (header.source_slices().empty()) return;
  auto const& geometry = header.geometry();
  if (static_cast<std::uint32_t>(header.source_slices_size()) != geometry.matrix().z())
    throw FormatError("SOURCE_MISMATCH", "the exam names the source images of " +
                                             std::to_string(header.source_slices_size()) +
                                             " slices, and has " +
                                             std::to_string(geometry.matrix().z()));
  auto const& origin = geometry.origin_lps_mm();
  auto const& z = geometry.z_direction_lps();
  for (int k = 0; k < header.source_slices_size(); ++k) {
    auto const place = dicom::position_of(header.source_slices(k).position());
    double const along = k * geometry.voxel_mm().z();
    double const off =
        std::hypot(place[0] - origin.x() - along * z.x(), place[1] - origin.y() - along * z.y(),
                   place[2] - origin.z() - along * z.z());
    if (!(off <= kPlaceTolerance * geometry.voxel_mm().z()))
      throw FormatError("SOURCE_MISMATCH", "the source images of slice " + std::to_string(k + 1) +
                                               " lie " + number(off) + " mm beside it");
    for (auto const& image : header.source_slices(k).images())
      if (image.series() >= static_cast<std::uint32_t>(header.source_series_size()))
        throw FormatError("SOURCE_MISMATCH", "a source image belongs to no series");
  }
  auto const axes = dicom::orientation_of(header.source_orientation());
  auto const& x = geometry.x_direction_lps();
  auto const& y = geometry.y_direction_lps();
  if (!(dicom::dot(axes.row, {x.x(), x.y(), x.z()}) > kSameDirection &&
        dicom::dot(axes.column, {y.x(), y.y(), y.z()}) > kSameDirection))
    throw FormatError("SOURCE_MISMATCH", "the source images lie in another direction");
}

}  // namespace

void check_header(qsm::v1::ExamHeader const& header) {
  bool const kspace = header.content() == qsm::v1::CONTENT_KIND_KSPACE;
  if (!kspace && header.content() != qsm::v1::CONTENT_KIND_IMAGES)
    throw FormatError("BAD_HEADER", "the exam says neither k-space nor images");
  if (std::abs(header.phase_sign()) > 1)
    throw FormatError("BAD_HEADER", "the phase sign is " + std::to_string(header.phase_sign()) +
                                        ", not +1 or -1");
  if (!std::isfinite(header.tr_s()) || !std::isfinite(header.flip_angle_deg()))
    throw FormatError("BAD_HEADER", "repetition time or flip angle is not finite");
  check_echo_times(header);
  if (header.coils() < 1 || header.coils() > 1024)
    throw FormatError("COIL_COUNT_MISMATCH",
                      "the exam has " + std::to_string(header.coils()) + " coils, not 1 to 1024");
  auto const& matrix = header.geometry().matrix();
  auto const& voxel = header.geometry().voxel_mm();
  check_axis('x', matrix.x(), voxel.x());
  check_axis('y', matrix.y(), voxel.y());
  check_axis('z', matrix.z(), voxel.z());
  if (kspace) {
    check_encoded('x', header.encoded().x(), matrix.x());
    check_encoded('y', header.encoded().y(), matrix.y());
    check_encoded('z', header.encoded().z(), matrix.z());
  }
  check_field_strength(header);
  check_directions(header.geometry());
  check_sources(header);
}

}  // namespace chistream
