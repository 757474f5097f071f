#include "worker/dicom_quantity.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "device/error.hpp"
#include "worker/dicom_geometry.hpp"

namespace chistream {

namespace {

constexpr DicomCode kPpm{"[ppm]", "UCUM", "ppm"};
constexpr DicomCode kPerSecond{"/s", "UCUM", "/s"};
constexpr DicomCode kNoUnits{"1", "UCUM", "no units"};

constexpr DicomCode kQuantity{"246205007", "SCT", "Quantity"};
constexpr DicomCode kDerivation{"121401", "DCM", "Derivation"};
constexpr DicomCode kStandardDeviation{"386136009", "SCT", "Standard Deviation"};

constexpr DicomCode kSusceptibility{"126396", "DCM", "Magnetic Susceptibility"};
constexpr DicomCode kFieldMap{"110807", "DCM", "Field Map MR Signal Intensity"};
constexpr DicomCode kR2s{"126395", "DCM", "R2*"};
constexpr DicomCode kSignal{"110806", "DCM", "T2* Weighted MR Signal Intensity"};
constexpr DicomCode kMask{"113047", "DCM", "Pixel by pixel mask"};
// The standard has no codes for these.
constexpr DicomCode kWeight{"DATA_WEIGHT", kOwnScheme, "Weight of the data in the inversion"};
constexpr DicomCode kQuality{"PHASE_QUALITY", kOwnScheme, "Quality of the phase"};

constexpr double kPpbPerPpm = 1e3;
constexpr double kThousandths = 1e3;
constexpr int kMagnitudeRange = 4095;  // what every viewer and bridge takes, 12 bits

DicomQuantity const kSusceptibilityMap{
    .image_type = "QSM",
    .title = "QSM [ppb]",
    .label = "QSM",
    .stored_unit = "ppb",
    .stored_per_unit = kPpbPerPpm,
    .unit = kPpm,
    .quantity = kSusceptibility,
    .windows = {{0, 400, "QSM +/-200 ppb"}, {0, 200, "QSM +/-100 ppb"}}};
DicomQuantity const kLocalField{
    .image_type = "LOCAL_FIELD",
    .title = "local field [ppb]",
    .label = "local field",
    .stored_unit = "ppb",
    .stored_per_unit = kPpbPerPpm,
    .unit = kPpm,
    .quantity = kFieldMap,
    .windows = {{0, 200, "field +/-100 ppb"}, {0, 100, "field +/-50 ppb"}}};
DicomQuantity const kTotalField{
    .image_type = "TOTAL_FIELD",
    .title = "total field [ppb]",
    .label = "total field",
    .stored_unit = "ppb",
    .stored_per_unit = kPpbPerPpm,
    .unit = kPpm,
    .quantity = kFieldMap,
    .windows = {{0, 2000, "field +/-1 ppm"}, {0, 10000, "field +/-5 ppm"}}};
DicomQuantity const kFieldNoise{.image_type = "FIELD_NOISE",
                                .title = "field noise [ppb]",
                                .label = "field noise",
                                .stored_unit = "ppb",
                                .stored_per_unit = kPpbPerPpm,
                                .unit = kPpm,
                                .quantity = kFieldMap,
                                .standard_deviation = true,
                                .windows = {{10, 20, "0 .. 20 ppb"}}};
DicomQuantity const kUncertainty{.image_type = "QSM_STD",
                                 .title = "QSM standard deviation [ppb]",
                                 .label = "uncertainty",
                                 .stored_unit = "ppb",
                                 .stored_per_unit = kPpbPerPpm,
                                 .unit = kPpm,
                                 .quantity = kSusceptibility,
                                 .standard_deviation = true,
                                 .windows = {{25, 50, "0 .. 50 ppb"}}};
DicomQuantity const kR2sMap{.image_type = "R2STAR",
                            .title = "R2* [1/s]",
                            .label = "R2*",
                            .stored_unit = "1/s",
                            .stored_per_unit = 1,
                            .unit = kPerSecond,
                            .quantity = kR2s,
                            .windows = {{50, 100, "0 .. 100 /s"}, {100, 200, "0 .. 200 /s"}}};
DicomQuantity const kMagnitude{.image_type = "MAGNITUDE",
                               .title = "magnitude",
                               .label = "magnitude",
                               .stored_unit = "US",
                               .unit = kNoUnits,
                               .quantity = kSignal,
                               .windows = {}};
DicomQuantity const kMaskMap{.image_type = "MASK",
                             .title = "mask",
                             .label = "mask",
                             .stored_unit = "US",
                             .stored_per_unit = 1,
                             .unit = kNoUnits,
                             .quantity = kMask,
                             .windows = {{0.5, 1, "0 .. 1"}}};
DicomQuantity const kWeightMap{.image_type = "WEIGHT",
                               .title = "data weight [1/1000]",
                               .label = "data weight",
                               .stored_unit = "[ppth]",
                               .stored_per_unit = kThousandths,
                               .unit = kNoUnits,
                               .quantity = kWeight,
                               .windows = {{500, 1000, "0 .. 1"}}};
DicomQuantity const kQualityMap{.image_type = "QUALITY",
                                .title = "phase quality [1/1000]",
                                .label = "phase quality",
                                .stored_unit = "[ppth]",
                                .stored_per_unit = kThousandths,
                                .unit = kNoUnits,
                                .quantity = kQuality,
                                .windows = {{500, 1000, "0 .. 1"}}};

void put_windows(DcmItem& item, std::vector<DicomWindow> const& windows) {
  std::string centres, widths, explanations;
  for (auto const& window : windows) {
    char const* const separator = centres.empty() ? "" : "\\";
    centres.append(separator).append(decimal_string(window.centre));
    widths.append(separator).append(decimal_string(window.width));
    explanations.append(separator).append(window.explanation);
  }
  put(item, DCM_WindowCenter, centres);
  put(item, DCM_WindowWidth, widths);
  put(item, DCM_WindowCenterWidthExplanation, explanations);
}

DicomWindow window_of(std::vector<std::int16_t> values) {
  std::erase(values, 0);
  double top = 1;
  if (!values.empty()) {
    auto const at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 99 / 100);
    std::nth_element(values.begin(), at, values.end());
    top = std::max<double>(1, *at);
  }
  return {top / 2, top, "0 .. 99th percentile"};
}

void put_concept(DcmItem& mapping, DicomCode const& name, DicomCode const& value) {
  DcmItem& item = append_item(mapping, DCM_QuantityDefinitionSequence);
  put(item, DCM_ValueType, "CODE");
  append_code(item, DCM_ConceptNameCodeSequence, name);
  append_code(item, DCM_ConceptCodeSequence, value);
}

}  // namespace

DicomQuantity const& dicom_quantity(qsm::v1::SeriesKind kind) {
  switch (kind) {
    case qsm::v1::SERIES_KIND_SUSCEPTIBILITY:
      return kSusceptibilityMap;
    case qsm::v1::SERIES_KIND_LOCAL_FIELD:
      return kLocalField;
    case qsm::v1::SERIES_KIND_TOTAL_FIELD:
      return kTotalField;
    case qsm::v1::SERIES_KIND_FIELD_NOISE:
      return kFieldNoise;
    case qsm::v1::SERIES_KIND_UNCERTAINTY:
      return kUncertainty;
    case qsm::v1::SERIES_KIND_R2S:
      return kR2sMap;
    case qsm::v1::SERIES_KIND_MAGNITUDE:
      return kMagnitude;
    case qsm::v1::SERIES_KIND_MASK:
      return kMaskMap;
    case qsm::v1::SERIES_KIND_WEIGHT:
      return kWeightMap;
    case qsm::v1::SERIES_KIND_QUALITY:
      return kQualityMap;
    default:
      throw std::logic_error("a series of no kind");
  }
}

StoredPixels to_stored(DicomQuantity const& quantity, std::span<float const> values) {
  for (float const value : values)
    qsm::require(std::isfinite(value), "NON_FINITE_VALUE",
                 std::string(quantity.label) + " is not finite everywhere");
  StoredPixels stored;
  stored.per_unit = quantity.stored_per_unit;
  if (stored.per_unit == 0) {
    double const largest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    stored.per_unit = largest > 0 ? kMagnitudeRange / largest : 1;
  }
  stored.values.reserve(values.size());
  constexpr double kMax = kMaxStored;
  for (float const value : values) {
    double const pixel = std::round(stored.per_unit * static_cast<double>(value));
    stored.saturated += std::abs(pixel) > kMax;
    stored.values.push_back(static_cast<std::int16_t>(std::clamp(pixel, -kMax, kMax)));
  }
  auto const [low, high] = std::minmax_element(stored.values.begin(), stored.values.end());
  stored.lowest = *low;
  stored.highest = *high;
  return stored;
}

std::vector<DicomWindow> windows_of(DicomQuantity const& quantity, StoredPixels const& stored) {
  return quantity.windows.empty() ? std::vector{window_of(stored.values)} : quantity.windows;
}

void put_real_world_values(DcmItem& item, DicomQuantity const& quantity,
                           RealWorldRange const& range) {
  DcmItem& mapping = append_item(item, DCM_RealWorldValueMappingSequence);
  if (range.integers) {
    put_signed(mapping, DCM_RealWorldValueFirstValueMapped, static_cast<std::int16_t>(range.first));
    put_signed(mapping, DCM_RealWorldValueLastValueMapped, static_cast<std::int16_t>(range.last));
  } else {
    mapping.putAndInsertFloat64(DCM_DoubleFloatRealWorldValueFirstValueMapped, range.first);
    mapping.putAndInsertFloat64(DCM_DoubleFloatRealWorldValueLastValueMapped, range.last);
  }
  mapping.putAndInsertFloat64(DCM_RealWorldValueIntercept, 0);
  mapping.putAndInsertFloat64(DCM_RealWorldValueSlope, range.slope);
  put(mapping, DCM_LUTExplanation, quantity.quantity.meaning);
  put(mapping, DCM_LUTLabel, quantity.label);
  append_code(mapping, DCM_MeasurementUnitsCodeSequence, quantity.unit);
  put_concept(mapping, kQuantity, quantity.quantity);
  if (quantity.standard_deviation) put_concept(mapping, kDerivation, kStandardDeviation);
}

void declare_own_scheme(DcmItem& dataset) {
  DcmItem& scheme = append_item(dataset, DCM_CodingSchemeIdentificationSequence);
  put(scheme, DCM_CodingSchemeDesignator, kOwnScheme);
  put(scheme, DCM_CodingSchemeName, "Quantities of chistream");
}

void put_coding_schemes(DcmItem& dataset, DicomQuantity const& quantity) {
  if (quantity.quantity.scheme == std::string_view(kOwnScheme)) declare_own_scheme(dataset);
}

void put_quantity(DcmItem& item, DicomQuantity const& quantity, StoredPixels const& stored) {
  put(item, DCM_RescaleIntercept, "0");
  put(item, DCM_RescaleSlope, "1");
  put(item, DCM_RescaleType, quantity.stored_unit);
  put_windows(item, windows_of(quantity, stored));
  put_signed(item, DCM_SmallestImagePixelValue, stored.lowest);
  put_signed(item, DCM_LargestImagePixelValue, stored.highest);
  put_real_world_values(item, quantity, {1 / stored.per_unit, -kMaxStored - 1, kMaxStored, true});
  put_coding_schemes(item, quantity);
}

}  // namespace chistream
