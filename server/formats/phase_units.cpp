#include "formats/phase_units.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "formats/format_error.hpp"

namespace chistream {

namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kSlack = 1.001F;
constexpr float kFilled = 0.9F;  // of one turn: noise in air reaches every phase

bool within(float minimum, float maximum, float low, float high) {
  return minimum >= low && maximum <= high;
}

/// The data stays inside [low, high] and fills it.
bool fills(float minimum, float maximum, float low, float high) {
  return within(minimum, maximum, low, high) && maximum - minimum >= kFilled * (high - low);
}

std::string range_text(PhaseRange const& r) {
  return std::to_string(r.minimum) + " to " + std::to_string(r.maximum);
}

PhaseScale scale_of(PhaseUnits units) {
  switch (units) {
    case PhaseUnits::kMilliradians:
      return {1e-3F, 0, true, {}};
    case PhaseUnits::kSiemens:
      return {kPi / 4096, 0, true, {}};
    case PhaseUnits::kSiemens12:
      return {kPi / 2048, -kPi, true, {}};
    case PhaseUnits::kAuto:
    case PhaseUnits::kRadians:
    case PhaseUnits::kHertz:
      break;
  }
  return {};
}

PhaseScale concluded(PhaseUnits units, char const* name, PhaseRange const& range) {
  PhaseScale scale = scale_of(units);
  scale.warning = "PHASE_UNITS: values of " + range_text(range) + " were taken for " + name;
  return scale;
}

}  // namespace

std::optional<PhaseUnits> phase_units_of(std::string_view name) {
  if (name == "auto") return PhaseUnits::kAuto;
  if (name == "rad") return PhaseUnits::kRadians;
  if (name == "mrad") return PhaseUnits::kMilliradians;
  if (name == "siemens") return PhaseUnits::kSiemens;
  if (name == "siemens12") return PhaseUnits::kSiemens12;
  if (name == "hz") return PhaseUnits::kHertz;
  return std::nullopt;
}

PhaseScale phase_scale(PhaseUnits units, PhaseRange const& r) {
  float const turn = kPi * kSlack;
  bool const tiny = r.maximum - r.minimum < 0.1F;
  if (units == PhaseUnits::kAuto || units == PhaseUnits::kRadians)
    if (r.slope && tiny && fills(r.raw_minimum, r.raw_maximum, -turn, turn)) {
      PhaseScale scale;
      scale.scaled = false;
      scale.warning = "PHASE_SLOPE_IGNORED: the stored values span " +
                      std::to_string(r.raw_minimum) + " to " + std::to_string(r.raw_maximum) +
                      " rad; the slope of the file would reduce them to " + range_text(r);
      return scale;
    }
  if (units != PhaseUnits::kAuto) return scale_of(units);
  if (!tiny && within(r.minimum, r.maximum, -turn, turn))
    return concluded(PhaseUnits::kRadians, "radians", r);
  if (fills(r.minimum, r.maximum, -1e3F * turn, 1e3F * turn))
    return concluded(PhaseUnits::kMilliradians, "milliradians", r);
  if (r.integers && fills(r.minimum, r.maximum, -4096, 4096))
    return concluded(PhaseUnits::kSiemens, "4096 per pi", r);
  if (r.integers && fills(r.minimum, r.maximum, 0, 4095))
    return concluded(PhaseUnits::kSiemens12, "0..4095 per turn", r);
  throw FormatError("PHASE_UNITS_UNKNOWN",
                    "phase values of " + range_text(r) + " fit no known unit",
                    "give the units: rad, mrad, siemens or siemens12");
}

}  // namespace chistream
