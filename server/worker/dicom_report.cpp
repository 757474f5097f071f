#include "worker/dicom_report.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "worker/dicom_dataset.hpp"
#include "worker/dicom_derivation.hpp"
#include "worker/dicom_geometry.hpp"
#include "worker/dicom_identity.hpp"
#include "worker/dicom_modules.hpp"
#include "worker/dicom_quantity.hpp"

namespace chistream {

namespace {

/// Units as UCUM writes them.
constexpr DicomCode kPpb{"[ppb]", "UCUM", "ppb"};
constexpr DicomCode kMillilitre{"ml", "UCUM", "ml"};
constexpr DicomCode kOne{"1", "UCUM", "no units"};

struct Number {
  char const* code;
  char const* name;
  double value;
  DicomCode unit;
};

/// Mean, deviation and extremes of a map where it is defined.
struct Spread {
  double mean = 0, deviation = 0, low = 0, high = 0;  // 1st and 99th percentile
};

Spread spread_of(std::vector<float> const& map, std::vector<std::uint8_t> const& mask) {
  std::vector<float> inside;
  for (std::size_t i = 0; i < map.size(); ++i)
    if (mask[i]) inside.push_back(map[i]);
  if (inside.empty()) return {};
  Spread spread;
  for (float const value : inside) spread.mean += double{value};
  spread.mean /= static_cast<double>(inside.size());
  for (float const value : inside)
    spread.deviation += (double{value} - spread.mean) * (double{value} - spread.mean);
  spread.deviation = std::sqrt(spread.deviation / static_cast<double>(inside.size()));
  auto const percentile = [&](std::size_t hundredth) {
    auto const at =
        inside.begin() + static_cast<std::ptrdiff_t>((inside.size() - 1) * hundredth / 100);
    std::nth_element(inside.begin(), at, inside.end());
    return double{*at};
  };
  spread.low = percentile(1);
  spread.high = percentile(99);
  return spread;
}

std::vector<Number> numbers_of(ReportInput const& input) {
  auto const& result = input.result;
  auto const& voxel = input.series.exam.geometry().voxel_mm();
  double const voxel_ml = voxel.x() * voxel.y() * voxel.z() * 1e-3;
  auto const millilitres = [&](std::vector<std::uint8_t> const& mask) {
    return static_cast<double>(count(mask)) * voxel_ml;
  };
  constexpr double kPpbPerPpm = 1e3;
  Spread const chi = spread_of(result.chi_ppm, result.mask);
  Spread const field = spread_of(result.local_field_ppm, result.mask);
  std::vector<Number> numbers{
      {"CHI_VOLUME", "Volume of the map", millilitres(result.mask), kMillilitre},
      {"BRAIN_VOLUME", "Volume of the mask before background removal",
       millilitres(result.brain_mask), kMillilitre},
      {"CHI_MEAN", "Mean susceptibility", chi.mean * kPpbPerPpm, kPpb},
      {"CHI_SD", "Standard deviation of the susceptibility", chi.deviation * kPpbPerPpm, kPpb},
      {"CHI_P1", "1st percentile of the susceptibility", chi.low * kPpbPerPpm, kPpb},
      {"CHI_P99", "99th percentile of the susceptibility", chi.high * kPpbPerPpm, kPpb},
      {"REFERENCE", "Value subtracted for the reference", result.reference_ppm * kPpbPerPpm, kPpb},
      {"FIELD_SD", "Standard deviation of the local field", field.deviation * kPpbPerPpm, kPpb},
      {"EXCLUDED", "Unreliable voxels given no weight", static_cast<double>(result.excluded_voxels),
       kOne},
      {"SATURATED", "Voxels beyond the range of the pixels",
       static_cast<double>(input.saturated_voxels), kOne},
      {"ITERATIONS", "Iterations of the inversion",
       static_cast<double>(result.inversion_iterations), kOne},
  };
  if (!result.inversion_residuals.empty())
    numbers.push_back({"RESIDUAL", "Relative change of the last iteration",
                       result.inversion_residuals.back(), kOne});
  return numbers;
}

DcmItem& content(DcmItem& parent, char const* relation, char const* type, DicomCode const& name) {
  DcmItem& item = append_item(parent, DCM_ContentSequence);
  put(item, DCM_RelationshipType, relation);
  put(item, DCM_ValueType, type);
  append_code(item, DCM_ConceptNameCodeSequence, name);
  return item;
}

void put_text(DcmItem& parent, DicomCode const& name, std::string const& text) {
  put(content(parent, "CONTAINS", "TEXT", name), DCM_TextValue, text);
}

void put_number(DcmItem& parent, Number const& number) {
  DcmItem& item = content(parent, "CONTAINS", "NUM", {number.code, kOwnScheme, number.name});
  DcmItem& measured = append_item(item, DCM_MeasuredValueSequence);
  bool const plain = number.unit.value == kOne.value;
  put(measured, DCM_NumericValue,
      decimal_string(plain ? number.value : std::round(10 * number.value) / 10));
  append_code(measured, DCM_MeasurementUnitsCodeSequence, number.unit);
}

void put_reference(DcmItem& item, std::string const& instance) {
  put(item, DCM_ReferencedSOPClassUID, UID_MRImageStorage);
  put(item, DCM_ReferencedSOPInstanceUID, instance);
}

/// The middle slice of the susceptibility, shown with its own window.
void put_figure(DcmItem& document, SeriesDescription const& series) {
  SeriesUids const images(series.provenance, series.exam.identity(), kMainSeriesFolder);
  std::string const middle =
      images.instance(static_cast<int>(series.exam.geometry().matrix().z() / 2));
  put_reference(append_item(content(document, "CONTAINS", "IMAGE",
                                    {"FIGURE", kOwnScheme, "Middle slice of the map"}),
                            DCM_ReferencedSOPSequence),
                middle);
  DcmItem& study = append_item(document, DCM_CurrentRequestedProcedureEvidenceSequence);
  put(study, DCM_StudyInstanceUID, images.study());
  DcmItem& evidence = append_item(study, DCM_ReferencedSeriesSequence);
  put(evidence, DCM_SeriesInstanceUID, images.series());
  put_reference(append_item(evidence, DCM_ReferencedSOPSequence), middle);
}

void put_content(DcmItem& document, ReportInput const& input) {
  auto const& series = input.series;
  put(document, DCM_ValueType, "CONTAINER");
  put(document, DCM_ContinuityOfContent, "SEPARATE");
  append_code(document, DCM_ConceptNameCodeSequence,
              {"QSM_REPORT", kOwnScheme, "Report of a quantitative susceptibility map"});
  put_text(document, {"METHOD", kOwnScheme, "How the map was made"}, derivation_text(series));
  put_text(document, {"USE", kOwnScheme, "What the map may be used for"},
           qualification_text(series.qualification));
  put_text(document, {"PARAMETERS", kOwnScheme, "SHA-256 of all parameters"},
           series.provenance.parameters_sha256);
  put_text(document, {"INPUT", kOwnScheme, "SHA-256 of the exam"}, series.provenance.input_sha256);
  put_text(document, {"DEVICE", kOwnScheme, "Computed on"}, input.device_name);
  put_text(document, {"CONVERGED", kOwnScheme, "Inversion reached its tolerance"},
           input.result.inversion_converged ? "yes" : "no");
  for (auto const& number : numbers_of(input)) put_number(document, number);
  for (auto const& warning : series.exam.warnings())
    put_text(document, {"WARNING", kOwnScheme, "Warning"}, warning);
  for (auto const& warning : input.warnings)
    put_text(document, {"WARNING", kOwnScheme, "Warning"}, warning);
  put_figure(document, series);
}

}  // namespace

DicomInstance write_dicom_report(ReportInput const& input) {
  require_dicom_dictionary();
  auto const& series = input.series;
  std::string const name = object_folder(qsm::v1::DICOM_OBJECT_REPORT) + "/report.dcm";
  SeriesUids const uids(series.provenance, series.exam.identity(), name);
  DcmDataset document;
  put_identity(document, series.exam.identity());
  put_own_series(document, series, uids, qsm::v1::DICOM_OBJECT_REPORT);
  put(document, DCM_Modality, "SR");
  put(document, DCM_SeriesDescription, "QSM report");
  put(document, DCM_SOPClassUID, UID_EnhancedSRStorage);
  put(document, DCM_SOPInstanceUID, uids.instance(0));
  put(document, DCM_InstanceNumber, "1");
  put(document, DCM_CompletionFlag, "COMPLETE");
  put(document, DCM_VerificationFlag, "UNVERIFIED");
  document.insertEmptyElement(DCM_ReferencedPerformedProcedureStepSequence);
  document.insertEmptyElement(DCM_PerformedProcedureCodeSequence);
  check_values(document);
  declare_own_scheme(document);
  put_content(document, input);
  DcmFileFormat file(&document);
  return {name, uids.instance(0), serialise(file)};
}

}  // namespace chistream
