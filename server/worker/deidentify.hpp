/// A result that may leave the hospital.
#pragma once

#include <string>

#include "qsm/v1/acquisition.pb.h"

class DcmItem;

namespace chistream {

/// Takes away what names patient, study, place, time or source images, in the spirit of the basic
/// profile of DICOM PS3.15 E. What stays is the geometry, how it was acquired, the scanner's maker
/// and model. The patient gets a pseudonym of `input_sha256`: the same for every job on one exam,
/// and not to be computed from anything that is known about the patient. UIDs of study and frame of
/// reference are derived anew. Dates of ours are to be set to 1970 as well.
void deidentify(qsm::v1::ExamHeader& exam, std::string const& input_sha256);

/// Says that it was done, and by whom.
void put_deidentification(DcmItem& item, std::string const& software_version);

}  // namespace chistream
