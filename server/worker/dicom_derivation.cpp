#include "worker/dicom_derivation.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include "device/error.hpp"
#include "worker/dicom_dataset.hpp"
#include "worker/dicom_geometry.hpp"
#include "worker/dicom_identity.hpp"
#include "worker/dicom_quantity.hpp"

namespace chistream {

namespace {

constexpr DicomCode kProcessing{"109102", "DCM", "Processing Equipment"};
constexpr DicomCode kAcquisition{"109101", "DCM", "Acquisition Equipment"};
constexpr std::size_t kShortTextMax = 1024;  // VR ST

}  // namespace

std::string derivation_text(SeriesDescription const& series) {
  std::string text = std::string(dicom_quantity(series.kind).title) + " by chistream " +
                     series.software_version + ", " + series.provenance.pipeline + ": " +
                     series.derivation + "; TE [ms]";
  for (double const te : series.exam.te_s()) text += ' ' + decimal_string(1e3 * te);
  if (!series.reference.empty()) text += "; reference " + series.reference;
  qsm::require(text.size() <= kShortTextMax, "DERIVATION_TOO_LONG",
               "the derivation description has " + std::to_string(text.size()) +
                   " characters, DICOM holds 1024");
  return text;
}

std::string qualification_text(qsm::v1::ContentQualification qualification) {
  constexpr std::string_view kPrefix = "CONTENT_QUALIFICATION_";
  return qsm::v1::ContentQualification_Name(qualification).substr(kPrefix.size());
}

void put_derivation(DcmItem& item, SeriesDescription const& series) {
  put(item, DCM_DerivationDescription, derivation_text(series));
  append_code(item, DCM_DerivationCodeSequence, dicom_quantity(series.kind).quantity);
  put(item, DCM_ContentQualification, qualification_text(series.qualification));

  DcmItem& software = append_item(item, DCM_ContributingEquipmentSequence);
  append_code(software, DCM_PurposeOfReferenceCodeSequence, kProcessing);
  put(software, DCM_Manufacturer, "chistream");
  put(software, DCM_ManufacturerModelName, "chistream");
  put(software, DCM_SoftwareVersions, series.software_version);
  put(software, DCM_ContributionDateTime, DicomTime(series.created_at_unix_s).date_time);
  put(software, DCM_ContributionDescription, "Quantitative susceptibility mapping");

  auto const& id = series.exam.identity();
  if (id.manufacturer().empty()) return;  // the one attribute an item must have
  DcmItem& scanner = append_item(item, DCM_ContributingEquipmentSequence);
  append_code(scanner, DCM_PurposeOfReferenceCodeSequence, kAcquisition);
  put(scanner, DCM_Manufacturer, id.manufacturer());
  put_if_known(scanner, DCM_ManufacturerModelName, id.manufacturer_model());
  put_if_known(scanner, DCM_DeviceSerialNumber, id.device_serial_number());
  put_if_known(scanner, DCM_SoftwareVersions, id.software_versions());
  put_if_known(scanner, DCM_InstitutionName, id.institution());
  put_if_known(scanner, DCM_StationName, id.station());
}

}  // namespace chistream
