#include "formats/volume_sequence.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "formats/format_error.hpp"
#include "formats/sample_scan.hpp"

namespace chistream {

VolumeSequence::VolumeSequence(std::vector<std::filesystem::path> const& paths) {
  for (auto const& path : paths) {
    auto const& file = readers_.emplace_back(path).info();
    check_same_geometry(info().geometry, file.geometry);
    if (paths.size() > 1 && file.size[3] != 1)
      throw FormatError(
          "ECHO_COUNT_MISMATCH",
          "one of several files holds " + std::to_string(file.size[3]) + " echoes, not one");
    if (file.size[4] != info().size[4])
      throw FormatError("COIL_COUNT_MISMATCH", "files of " + std::to_string(info().size[4]) +
                                                   " and of " + std::to_string(file.size[4]) +
                                                   " coils");
  }
  echoes_ = paths.size() > 1 ? static_cast<std::uint32_t>(paths.size()) : info().size[3];
  coils_ = info().size[4];
}

VolumeSequence::Place VolumeSequence::next(std::span<float> out, bool scaled) {
  readers_[file_].read_volume(out, scaled);
  bool const one_file = readers_.size() == 1;
  Place const place =
      one_file ? Place{static_cast<std::uint32_t>(volume_ % echoes_),
                       static_cast<std::uint32_t>(volume_ / echoes_)}
               : Place{static_cast<std::uint32_t>(file_), static_cast<std::uint32_t>(volume_)};
  if (++volume_ == readers_[file_].info().volumes()) {
    volume_ = 0;
    ++file_;
  }
  return place;
}

PhaseRange VolumeSequence::range() {
  PhaseRange range{0, 0, 0, 0, true, false};
  Extent raw;
  Extent scaled;
  std::vector<float> volume(info().voxels());
  for (auto& reader : readers_) {
    auto const& file = reader.info();
    bool const slope = file.slope != 1 || file.intercept != 0;
    range.slope = range.slope || (slope && !file.integer);
    for (std::size_t v = 0; v < file.volumes(); ++v) {
      reader.read_volume(volume, false);
      raw.merge(extent_of(std::as_bytes(std::span(volume))));
      if (slope)
        for (float& value : volume) value = value * file.slope + file.intercept;
      scaled.merge(extent_of(std::as_bytes(std::span(volume))));
      range.integers = range.integers && std::ranges::all_of(volume, [](float value) {
                         return value == std::rint(value) || !std::isfinite(value);
                       });
    }
    reader.rewind();
  }
  if (raw.maximum < raw.minimum)
    throw FormatError("NON_FINITE_SAMPLES", "no value of the phase images is finite");
  range.raw_minimum = raw.minimum;
  range.raw_maximum = raw.maximum;
  range.minimum = scaled.minimum;
  range.maximum = scaled.maximum;
  return range;
}

void check_same_geometry(qsm::v1::Geometry const& a, qsm::v1::Geometry const& b) {
  auto const& m = a.matrix();
  auto const& n = b.matrix();
  if (m.x() != n.x() || m.y() != n.y() || m.z() != n.z())
    throw FormatError("GEOMETRY_MISMATCH",
                      "images of " + std::to_string(m.x()) + " x " + std::to_string(m.y()) + " x " +
                          std::to_string(m.z()) + " and of " + std::to_string(n.x()) + " x " +
                          std::to_string(n.y()) + " x " + std::to_string(n.z()) + " voxels");
  auto const near = [](qsm::v1::Vector3 const& u, qsm::v1::Vector3 const& v, double tolerance) {
    return std::abs(u.x() - v.x()) <= tolerance && std::abs(u.y() - v.y()) <= tolerance &&
           std::abs(u.z() - v.z()) <= tolerance;
  };
  if (!near(a.voxel_mm(), b.voxel_mm(), 1e-4) ||
      !near(a.origin_lps_mm(), b.origin_lps_mm(), 1e-2) ||
      !near(a.x_direction_lps(), b.x_direction_lps(), 1e-4) ||
      !near(a.y_direction_lps(), b.y_direction_lps(), 1e-4) ||
      !near(a.z_direction_lps(), b.z_direction_lps(), 1e-4))
    throw FormatError("GEOMETRY_MISMATCH", "the images lie at different places in the patient",
                      "give magnitude and phase of one series, with equal distortion correction");
}

}  // namespace chistream
