/// Magnitude and phase in NIfTI files, turned into an exam container.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/container_writer.hpp"
#include "formats/phase_units.hpp"

namespace chistream {

/// Either one file each, (x, y, z), (x, y, z, echo) or (x, y, z, echo, coil), or one per echo, each
/// (x, y, z) or (x, y, z, 1, coil).
struct ImageFiles {
  std::vector<std::filesystem::path> magnitude;
  std::vector<std::filesystem::path> phase;
  std::vector<double> te_s;
  double b0_t = 0;
  double frequency_hz = 0;  // 0 = unknown
  PhaseUnits phase_units = PhaseUnits::kAuto;

  /// The one phase image is that of the second echo less that of the first, as the field-map
  /// sequences of scanners give it.
  bool phase_difference = false;
  std::optional<int> phase_sign = std::nullopt;  // +1 or -1; nothing: +1

  /// Direction of B0 along the axes of the volume, for images whose affine does not tell. The axes
  /// are then turned by the smallest rotation that puts B0 there.
  std::optional<std::array<double, 3>> b0_direction = std::nullopt;
  std::string vendor = "";
};

/// Reads each file at most twice (phase, for its units, where they are not declared), one volume at
/// a time. Throws FormatError as NiftiReader, phase_scale() and check_header() do, and
/// MISSING_PHASE, MISSING_MAGNITUDE, ECHO_COUNT_MISMATCH, COIL_COUNT_MISMATCH, GEOMETRY_MISMATCH,
/// BAD_B0_DIRECTION.
///
/// A field map (a phase difference, or hertz) becomes an exam of one echo: a difference is the
/// phase after the time between the echoes, and free of the phase that coils add. Its magnitude is
/// that given, or the geometric mean of both echoes'; hertz without echo times are taken as phase
/// after 1 ms. FIELD_MAP_MISMATCH: not one phase volume, not one or two of magnitude, not two echo
/// times.
void read_images(ImageFiles const& files, ContainerWriter& out);

}  // namespace chistream
