#include "formats/dicom/identity.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcspchrs.h>

#include <algorithm>

#include "formats/dicom/attributes.hpp"

namespace chistream::dicom {

namespace {

bool is_ascii(std::string const& value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

class Utf8 {
 public:
  explicit Utf8(DcmItem& dataset) : dataset_(dataset) {
    OFString sets;
    dataset.findAndGetOFStringArray(DCM_SpecificCharacterSet, sets);
    known_ = converter_.selectCharacterSet(sets, "ISO_IR 192").good();
  }

  std::string operator()(DcmTagKey const& tag, char const* delimiters = "\\") {
    std::string value = text(dataset_, tag);
    bool const escapes = value.find('\x1b') != std::string::npos;
    if (is_ascii(value) && !escapes) return value;
    OFString converted;
    if (known_ &&
        converter_.convertString(OFString(value.data(), value.size()), converted, delimiters)
            .good())
      return {converted.data(), converted.size()};
    std::replace_if(
        value.begin(), value.end(), [](unsigned char c) { return c >= 0x80 || c == 0x1b; }, '?');
    return value;
  }

 private:
  DcmItem& dataset_;
  DcmSpecificCharacterSet converter_;
  bool known_ = false;
};

}  // namespace

qsm::v1::Identity identity_of(DcmItem& dataset) {
  Utf8 utf8(dataset);
  qsm::v1::Identity id;
  id.set_patient_name(utf8(DCM_PatientName, "\\^="));
  id.set_patient_id(utf8(DCM_PatientID));
  id.set_patient_birth_date(text(dataset, DCM_PatientBirthDate));
  id.set_patient_sex(text(dataset, DCM_PatientSex));
  id.set_patient_weight_kg(number(dataset, DCM_PatientWeight).value_or(0));
  id.set_issuer_of_patient_id(utf8(DCM_IssuerOfPatientID));
  id.set_study_instance_uid(text(dataset, DCM_StudyInstanceUID));
  id.set_study_id(utf8(DCM_StudyID));
  id.set_study_description(utf8(DCM_StudyDescription));
  id.set_study_date(text(dataset, DCM_StudyDate));
  id.set_study_time(text(dataset, DCM_StudyTime));
  id.set_accession_number(utf8(DCM_AccessionNumber));
  id.set_referring_physician(utf8(DCM_ReferringPhysicianName, "\\^="));
  id.set_frame_of_reference_uid(text(dataset, DCM_FrameOfReferenceUID));
  id.set_position_reference_indicator(utf8(DCM_PositionReferenceIndicator));
  id.set_series_number(count(dataset, DCM_SeriesNumber));
  id.set_acquisition_date(text(dataset, DCM_AcquisitionDate));
  id.set_acquisition_time(text(dataset, DCM_AcquisitionTime));
  id.set_patient_position(text(dataset, DCM_PatientPosition));
  id.set_protocol_name(utf8(DCM_ProtocolName));
  id.set_body_part(text(dataset, DCM_BodyPartExamined));
  id.set_manufacturer(utf8(DCM_Manufacturer));
  id.set_manufacturer_model(utf8(DCM_ManufacturerModelName));
  id.set_device_serial_number(utf8(DCM_DeviceSerialNumber));
  id.set_software_versions(utf8(DCM_SoftwareVersions));
  id.set_institution(utf8(DCM_InstitutionName));
  id.set_station(utf8(DCM_StationName));
  return id;
}

}  // namespace chistream::dicom
