#include "formats/image_files.hpp"

#include <cmath>
#include <numbers>

#include "formats/format_error.hpp"
#include "formats/inspect.hpp"
#include "formats/volume_sequence.hpp"

namespace chistream {

using qsm::container::Component;
using qsm::container::ImageBlockHead;

namespace {

using Vector = std::array<double, 3>;

double dot(Vector const& a, Vector const& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

Vector cross(Vector const& a, Vector const& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// Rodrigues: v turned by the smallest rotation that takes the unit vector `from` to `to`.
Vector turned(Vector const& v, Vector const& from, Vector const& to) {
  Vector const axis = cross(from, to);  // sin(angle) long
  double const cosine = dot(from, to);
  Vector const across = cross(axis, v);
  double const along = dot(axis, v) / (1 + cosine);
  Vector result;
  for (std::size_t i = 0; i < 3; ++i) result[i] = v[i] * cosine + across[i] + axis[i] * along;
  return result;
}

/// Turns the axes of the volume until patient z, the direction of B0, has components `b0` along
/// them. Returns the angle in degrees. The dipole is even in B0, so -b0 serves where it is nearer.
double turn_axes(qsm::v1::Geometry& geometry, Vector b0) {
  double const length = std::sqrt(dot(b0, b0));
  if (!(std::abs(length - 1) < 1e-2))
    throw FormatError("BAD_B0_DIRECTION",
                      "the direction of B0 has length " + std::to_string(length) + ", not 1");
  qsm::v1::Vector3* const axes[] = {geometry.mutable_x_direction_lps(),
                                    geometry.mutable_y_direction_lps(),
                                    geometry.mutable_z_direction_lps()};
  Vector const now{axes[0]->z(), axes[1]->z(), axes[2]->z()};
  double const sign = dot(b0, now) < 0 ? -1 : 1;
  for (double& component : b0) component *= sign / length;
  // Rows of the axes' matrix are patient x, y, z in volume coordinates: turn each row.
  Vector x{axes[0]->x(), axes[1]->x(), axes[2]->x()};
  Vector y{axes[0]->y(), axes[1]->y(), axes[2]->y()};
  x = turned(x, now, b0);
  y = turned(y, now, b0);
  for (std::size_t i = 0; i < 3; ++i) {
    axes[i]->set_x(x[i]);
    axes[i]->set_y(y[i]);
    axes[i]->set_z(b0[i]);
  }
  return std::acos(std::min(dot(now, b0), 1.0)) * 180 / std::numbers::pi;
}

qsm::v1::ExamHeader make_header(ImageFiles const& files, VolumeSequence const& images) {
  qsm::v1::ExamHeader header;
  header.set_format_version(1);
  header.set_content(qsm::v1::CONTENT_KIND_IMAGES);
  *header.mutable_geometry() = images.info().geometry;
  header.set_coils(images.coils());
  for (double const te : files.te_s) header.add_te_s(te);
  header.set_b0_t(files.b0_t);
  header.set_frequency_hz(files.frequency_hz);
  header.set_phase_sign(files.phase_sign.value_or(1));
  header.set_records(2 * std::uint64_t{images.echoes()} * images.coils());
  header.set_source_format("nifti");
  header.set_vendor(files.vendor);
  if (files.b0_direction) {
    double const angle = turn_axes(*header.mutable_geometry(), *files.b0_direction);
    if (angle > 0.1)
      header.add_warnings("B0_DIRECTION_GIVEN: the axes of the volume were turned by " +
                          std::to_string(angle) + " degrees to meet the direction of B0 given");
  } else if (!images.info().oriented) {
    header.add_warnings("NO_ORIENTATION: the images do not say how they lie; B0 is taken along z");
  }
  return header;
}

ImageBlockHead block_of(qsm::v1::ExamHeader const& header, VolumeSequence::Place place,
                        Component component) {
  auto const& matrix = header.geometry().matrix();
  return {place.echo, place.coil, static_cast<std::uint32_t>(component),
          matrix.x(), matrix.y(), matrix.z()};
}

/// [s]
double time_of_field_map(ImageFiles const& files) {
  constexpr double kAnyTime_s = 1e-3;
  if (files.te_s.size() == 2) return files.te_s[1] - files.te_s[0];
  if (files.phase_units == PhaseUnits::kHertz && files.te_s.empty()) return kAnyTime_s;
  throw FormatError(
      "FIELD_MAP_MISMATCH",
      "a phase difference lies between two echo times, not " + std::to_string(files.te_s.size()),
      "give both with --te");
}

void read_field_map(ImageFiles files, VolumeSequence& magnitude, VolumeSequence& phase,
                    ContainerWriter& out) {
  std::uint32_t const magnitudes = magnitude.echoes() * magnitude.coils();
  if (phase.echoes() * phase.coils() != 1 || magnitude.coils() != 1 || magnitudes > 2)
    throw FormatError("FIELD_MAP_MISMATCH", "a field map is one volume with one or two magnitudes",
                      "give the magnitudes of one or both echoes, and the field map as --phase");
  double const time_s = time_of_field_map(files);
  files.te_s = {time_s};
  qsm::v1::ExamHeader header = make_header(files, phase);
  check_header(header);
  bool const hertz = files.phase_units == PhaseUnits::kHertz;
  PhaseScale scale = phase_scale(files.phase_units, phase.range());
  if (hertz) scale.factor = static_cast<float>(2 * std::numbers::pi * time_s);
  if (!scale.warning.empty()) header.add_warnings(scale.warning);
  header.add_warnings(std::string("FIELD_MAP: ") + (hertz ? "the field was given in Hz"
                                                          : "the phase is a difference of echoes"));
  out.header(header);

  std::vector<float> volume(phase.info().voxels()), second;
  magnitude.next(volume, true);
  if (magnitudes == 2) {
    second.resize(volume.size());
    magnitude.next(second, true);
    for (std::size_t i = 0; i < volume.size(); ++i) volume[i] = std::sqrt(volume[i] * second[i]);
  }
  out.image_block(block_of(header, {0, 0}, Component::kMagnitude), volume);
  phase.next(volume, scale.scaled);
  constexpr float kTurn = 2 * std::numbers::pi_v<float>;
  for (float& value : volume) value = std::remainder(value * scale.factor + scale.offset, kTurn);
  out.image_block(block_of(header, {0, 0}, Component::kPhase), volume);
  out.end();
}

}  // namespace

void read_images(ImageFiles const& files, ContainerWriter& out) {
  if (files.phase.empty()) throw FormatError("MISSING_PHASE", "no phase image is given");
  if (files.magnitude.empty())
    throw FormatError("MISSING_MAGNITUDE", "no magnitude image is given");
  VolumeSequence magnitude(files.magnitude);
  VolumeSequence phase(files.phase);
  check_same_geometry(magnitude.info().geometry, phase.info().geometry);
  if (files.phase_difference || files.phase_units == PhaseUnits::kHertz)
    return read_field_map(files, magnitude, phase, out);
  if (magnitude.echoes() != phase.echoes() || phase.echoes() != files.te_s.size())
    throw FormatError("ECHO_COUNT_MISMATCH", std::to_string(magnitude.echoes()) +
                                                 " echoes of magnitude, " +
                                                 std::to_string(phase.echoes()) + " of phase, " +
                                                 std::to_string(files.te_s.size()) + " echo times");
  if (magnitude.coils() != phase.coils())
    throw FormatError("COIL_COUNT_MISMATCH", "magnitude of " + std::to_string(magnitude.coils()) +
                                                 " coils, phase of " +
                                                 std::to_string(phase.coils()));
  qsm::v1::ExamHeader header = make_header(files, phase);
  check_header(header);
  PhaseScale const scale = phase_scale(files.phase_units, phase.range());
  if (!scale.warning.empty()) header.add_warnings(scale.warning);
  out.header(header);

  std::vector<float> volume(phase.info().voxels());
  for (std::uint32_t i = 0; i < phase.echoes() * phase.coils(); ++i) {
    auto const of_magnitude = magnitude.next(volume, true);
    out.image_block(block_of(header, of_magnitude, Component::kMagnitude), volume);
    auto const of_phase = phase.next(volume, scale.scaled);
    for (float& value : volume) value = value * scale.factor + scale.offset;
    out.image_block(block_of(header, of_phase, Component::kPhase), volume);
  }
  out.end();
}

}  // namespace chistream
