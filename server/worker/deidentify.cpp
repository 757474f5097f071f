#include "worker/deidentify.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include "container/sha256.hpp"
#include "worker/dicom_dataset.hpp"

namespace chistream {

void deidentify(qsm::v1::ExamHeader& exam, std::string const& input_sha256) {
  qsm::v1::Identity const named = exam.identity();
  std::string const pseudonym = qsm::container::sha256_hex("patient " + input_sha256).substr(0, 12);
  qsm::v1::Identity id;  // what is not copied is gone, fields to come as well
  id.set_patient_name("Anonymous^" + pseudonym);
  id.set_patient_id(pseudonym);
  id.set_patient_position(named.patient_position());
  id.set_body_part(named.body_part());
  id.set_manufacturer(named.manufacturer());
  id.set_manufacturer_model(named.manufacturer_model());
  id.set_software_versions(named.software_versions());
  id.set_series_number(named.series_number());
  *exam.mutable_identity() = id;
  exam.clear_source_series();
  for (auto& slice : *exam.mutable_source_slices()) slice.clear_images();
}

void put_deidentification(DcmItem& item, std::string const& software_version) {
  put(item, DCM_PatientIdentityRemoved, "YES");
  put(item, DCM_DeidentificationMethod, "chistream " + software_version + ": identity replaced");
  put(item, DCM_LongitudinalTemporalInformationModified, "REMOVED");
}

}  // namespace chistream
