/// Phase images come in radians, milliradians or scanner units, and rarely say so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chistream {

enum class PhaseUnits {
  kAuto,
  kRadians,
  kMilliradians,
  kSiemens,    // -4096..4096 is -pi..pi
  kSiemens12,  // 0..4095 is -pi..pi
  kHertz,      // no phase: a field map
};

/// "auto", "rad", "mrad", "siemens", "siemens12", "hz"; nothing for any other text.
std::optional<PhaseUnits> phase_units_of(std::string_view name);

/// What the finite values of the phase images span, before and after the slope of their files.
struct PhaseRange {
  float raw_minimum, raw_maximum;
  float minimum, maximum;
  bool integers;  // every scaled value is a whole number
  bool slope;     // some file has a slope or intercept, and stores floats
};

/// radians = factor * value + offset; `scaled`: value is taken behind the file's slope.
struct PhaseScale {
  float factor = 1;
  float offset = 0;
  bool scaled = true;
  std::string warning;  // "PHASE_UNITS: ..." where something was concluded, else empty
};

/// Decides by declared units, else by the scale of every known convention whose range the data
/// fills without leaving it; never by stretching the data's own minimum and maximum to -pi..pi,
/// which corrupts phase that does not wrap.
///
/// A file that stores radians under a slope that would shrink them to nothing is read without it
/// (PHASE_SLOPE_IGNORED). Throws FormatError PHASE_UNITS_UNKNOWN. Hertz are never concluded, and are
/// left as they are.
PhaseScale phase_scale(PhaseUnits units, PhaseRange const& range);

}  // namespace chistream
