#include "worker/dicom_identity.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>

#include <algorithm>
#include <ctime>

#include "worker/dicom_dataset.hpp"
#include "worker/dicom_geometry.hpp"

namespace chistream {

namespace {

// Strings of the API are UTF-8; plain ASCII needs no declaration.
void declare_character_set(DcmItem& item) {
  for (unsigned long i = 0; i < item.card(); ++i) {
    OFString text;
    item.getElement(i)->getOFStringArray(text);
    if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; })) {
      put(item, DCM_SpecificCharacterSet, "ISO_IR 192");
      return;
    }
  }
}

}  // namespace

qsm::v1::Identity merged(qsm::v1::Identity const& base, qsm::v1::Identity const& request) {
  qsm::v1::Identity all = base;
  all.MergeFrom(request);  // proto3 scalars: what is set, replaces
  return all;
}

void put_identity(DcmItem& item, qsm::v1::Identity const& id) {
  put(item, DCM_PatientName, id.patient_name());
  put(item, DCM_PatientID, id.patient_id());
  put_if_known(item, DCM_IssuerOfPatientID, id.issuer_of_patient_id());
  put(item, DCM_PatientBirthDate, id.patient_birth_date());
  put(item, DCM_PatientSex, id.patient_sex());
  if (id.patient_weight_kg() > 0)
    put(item, DCM_PatientWeight, decimal_string(id.patient_weight_kg()));

  put(item, DCM_StudyDate, id.study_date());
  put(item, DCM_StudyTime, id.study_time());
  put(item, DCM_StudyID, id.study_id());
  put(item, DCM_AccessionNumber, id.accession_number());
  put(item, DCM_ReferringPhysicianName, id.referring_physician());
  put_if_known(item, DCM_StudyDescription, id.study_description());
  put_if_known(item, DCM_StudyInstanceUID, id.study_instance_uid());

  put_if_known(item, DCM_AcquisitionDate, id.acquisition_date());
  put_if_known(item, DCM_AcquisitionTime, id.acquisition_time());
  put_if_known(item, DCM_ProtocolName, id.protocol_name());
  put(item, DCM_PatientPosition, id.patient_position());
  put(item, DCM_BodyPartExamined, id.body_part().empty() ? "BRAIN" : id.body_part());
  put_if_known(item, DCM_FrameOfReferenceUID, id.frame_of_reference_uid());
  put(item, DCM_PositionReferenceIndicator, id.position_reference_indicator());

  put(item, DCM_Manufacturer, id.manufacturer());
  put_if_known(item, DCM_ManufacturerModelName, id.manufacturer_model());
  put_if_known(item, DCM_DeviceSerialNumber, id.device_serial_number());
  put_if_known(item, DCM_SoftwareVersions, id.software_versions());
  put_if_known(item, DCM_InstitutionName, id.institution());
  put_if_known(item, DCM_StationName, id.station());
  declare_character_set(item);
}

void check_identity(qsm::v1::Identity const& identity) {
  require_dicom_dictionary();
  DcmDataset trial;
  put_identity(trial, identity);
  check_values(trial);
}

DicomTime::DicomTime(std::int64_t unix_s) {
  std::time_t const when = unix_s;
  std::tm utc{};
  gmtime_r(&when, &utc);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%d", &utc);
  date = text;
  std::strftime(text, sizeof(text), "%H%M%S", &utc);
  time = text;
  date_time = date + time + "+0000";
}

}  // namespace chistream
