#include "formats/dicom/vendor.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string_view>

#include "formats/dicom/attributes.hpp"
#include "formats/format_error.hpp"

namespace chistream::dicom {

namespace {

using qsm::v1::ImagePart;

bool contains(std::vector<std::string> const& tokens,
              std::initializer_list<std::string_view> names) {
  return std::any_of(tokens.begin(), tokens.end(), [&](std::string const& token) {
    return std::find(names.begin(), names.end(), token) != names.end();
  });
}

/// A number of the measurement protocol that Siemens keeps as text in the CSA series header:
/// "lContrasts\t = \t6".
std::uint32_t csa_number(std::string_view protocol, std::string_view name) {
  std::size_t at = protocol.find(name);
  if (at == std::string_view::npos) return 0;
  at = protocol.find('=', at);
  if (at == std::string_view::npos) return 0;
  at = protocol.find_first_not_of(" \t", at + 1);
  if (at == std::string_view::npos) return 0;
  std::string_view digits = protocol.substr(at, 16);
  int base = 10;
  if (digits.starts_with("0x")) {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  return value;
}

std::string_view csa_series_header(DcmItem& dataset) {
  DcmElement* element = nullptr;
  Uint8* bytes = nullptr;
  if (text(dataset, DcmTagKey(0x0029, 0x0010)) != "SIEMENS CSA HEADER" ||
      dataset.findAndGetElement(DcmTagKey(0x0029, 0x1020), element).bad() || !element ||
      element->getUint8Array(bytes).bad() || !bytes)
    return {};
  return {reinterpret_cast<char const*>(bytes), element->getLength()};
}

DeclaredCounts siemens_counts(DcmItem& dataset) {
  std::string_view protocol = csa_series_header(dataset);
  // The names also stand in lists of defaults before the protocol itself.
  std::size_t const begin = protocol.find("### ASCCONV BEGIN");
  if (begin == std::string_view::npos) return {};
  protocol.remove_prefix(begin);
  constexpr std::uint32_t kVolume = 4;  // sKSpace.ucDimension: 2 for slices, 4 for a slab
  bool const slab = csa_number(protocol, "sKSpace.ucDimension") == kVolume;
  return {csa_number(protocol, "lContrasts"),
          csa_number(protocol, slab ? "sKSpace.lImagesPerSlab" : "sSliceArray.lSize")};
}

DeclaredCounts private_counts(DcmItem& dataset, std::uint16_t echo_group, std::uint8_t echo,
                              char const* echo_creator, std::uint16_t slice_group,
                              std::uint8_t slice, char const* slice_creator) {
  auto const whole = [&](std::uint16_t group, std::uint8_t element, char const* creator) {
    double const value = private_number(dataset, group, element, creator).value_or(0);
    return value >= 1 && value <= 65535 ? static_cast<std::uint32_t>(value) : 0U;
  };
  return {whole(echo_group, echo, echo_creator), whole(slice_group, slice, slice_creator)};
}

/// From -limit to +limit, or to the last step below it.
bool spans(double low, double high, double limit, double slack) {
  constexpr double kLastStep = 0.01;
  return std::abs(low / limit + 1) <= slack && high <= limit * (1 + slack) &&
         high >= limit * (1 - kLastStep);
}

}  // namespace

Vendor vendor_of(DcmItem& dataset) {
  std::string maker = text(dataset, DCM_Manufacturer);
  std::transform(maker.begin(), maker.end(), maker.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (maker.starts_with("SIEMENS")) return Vendor::kSiemens;
  if (maker.starts_with("GE ") || maker == "GE") return Vendor::kGe;
  if (maker.starts_with("PHILIPS")) return Vendor::kPhilips;
  return Vendor::kOther;
}

std::string vendor_name(Vendor vendor) {
  switch (vendor) {
    case Vendor::kSiemens:
      return "siemens";
    case Vendor::kGe:
      return "ge";
    case Vendor::kPhilips:
      return "philips";
    case Vendor::kOther:
      break;
  }
  return "other";
}

ImagePart part_of(Vendor vendor, DcmItem& dataset, std::string const& complex_component,
                  std::vector<std::string> const& image_type) {
  if (vendor == Vendor::kGe)
    if (auto const kind = private_number(dataset, 0x0043, 0x2f, "GEMS_PARM_01")) {
      if (*kind == 0) return qsm::v1::IMAGE_PART_MAGNITUDE;
      if (*kind == 1) return qsm::v1::IMAGE_PART_PHASE;
      if (*kind == 2) return qsm::v1::IMAGE_PART_REAL;
      if (*kind == 3) return qsm::v1::IMAGE_PART_IMAGINARY;
    }
  if (contains(image_type, {"MPR", "MIP", "MNIP", "MINIP", "PROJECTION IMAGE", "ADC", "B0", "R2*",
                            "T2*", "SUB", "DIFF"}))
    return qsm::v1::IMAGE_PART_UNSPECIFIED;
  if (complex_component == "MAGNITUDE") return qsm::v1::IMAGE_PART_MAGNITUDE;
  if (complex_component == "PHASE") return qsm::v1::IMAGE_PART_PHASE;
  if (complex_component == "REAL") return qsm::v1::IMAGE_PART_REAL;
  if (complex_component == "IMAGINARY") return qsm::v1::IMAGE_PART_IMAGINARY;
  if (contains(image_type, {"P", "PHASE", "P_FFE", "PHASE MAP", "PHASE_MAP"}))
    return qsm::v1::IMAGE_PART_PHASE;
  if (contains(image_type, {"R", "REAL", "R_FFE"})) return qsm::v1::IMAGE_PART_REAL;
  if (contains(image_type, {"I", "IMAGINARY", "I_FFE"})) return qsm::v1::IMAGE_PART_IMAGINARY;
  if (contains(image_type, {"M", "MAGNITUDE", "M_FFE"})) return qsm::v1::IMAGE_PART_MAGNITUDE;
  return qsm::v1::IMAGE_PART_UNSPECIFIED;
}

LinearScale phase_scale(Vendor vendor, StoredPixels const& stored) {
  constexpr double kPi = std::numbers::pi;
  constexpr double kMilli = 1e-3;
  double const levels = std::ldexp(1, static_cast<int>(stored.bits));
  bool const identity = stored.slope == 1 && stored.intercept == 0;
  if (vendor == Vendor::kSiemens && identity && !stored.is_signed) return {2 * kPi / levels, -kPi};
  if (vendor == Vendor::kGe && identity) return {kMilli, 0};

  double const first = stored.is_signed ? -levels / 2 : 0;
  double const ends[] = {stored.slope * first + stored.intercept,
                         stored.slope * (first + levels - 1) + stored.intercept};
  double const low = std::min(ends[0], ends[1]);
  double const high = std::max(ends[0], ends[1]);
  struct Unit {
    double half_turn;
    double slack;  // rounding of slope and intercept in the file
  };
  for (Unit const unit :
       {Unit{kPi, 2e-3}, Unit{1e3 * kPi, 2e-3}, Unit{4096, 1e-3}, Unit{180, 2e-3}})
    if (stored.rescaled && spans(low, high, unit.half_turn, unit.slack))
      return {stored.slope * kPi / unit.half_turn, stored.intercept * kPi / unit.half_turn};
  throw FormatError("PHASE_UNITS_UNKNOWN",
                    "phase is stored from " + std::to_string(low) + " to " + std::to_string(high) +
                        ", which is neither rad, mrad, degrees nor 4096 per half turn",
                    "ask the scanner for phase with rescale slope and intercept");
}

LinearScale magnitude_scale(Vendor vendor, StoredPixels const& stored, double scale_slope) {
  if (vendor == Vendor::kPhilips && scale_slope > 0)
    return {1 / scale_slope, stored.intercept / (stored.slope * scale_slope)};
  return {stored.slope, stored.intercept};
}

int phase_sign(Vendor vendor) {
  return vendor == Vendor::kGe ? -1 : +1;
}

DeclaredCounts declared_counts(Vendor vendor, DcmItem& dataset) {
  switch (vendor) {
    case Vendor::kSiemens:
      return siemens_counts(dataset);
    case Vendor::kGe:
      return private_counts(dataset, 0x0019, 0x7e, "GEMS_ACQU_01", 0x0021, 0x4f, "GEMS_RELA_01");
    case Vendor::kPhilips:
      return private_counts(dataset, 0x2001, 0x14, "Philips Imaging DD 001", 0x2001, 0x18,
                            "Philips Imaging DD 001");
    case Vendor::kOther:
      break;
  }
  return {};
}

}  // namespace chistream::dicom
