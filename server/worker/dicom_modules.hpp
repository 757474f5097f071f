/// Modules that every object of ours has, whatever its class.
#pragma once

#include "qsm/v1/job.pb.h"
#include "worker/dicom_uid.hpp"
#include "worker/series_description.hpp"

class DcmItem;

namespace chistream {

/// How the source was acquired; a map of several echoes has no echo time.
void put_acquisition(DcmItem& item, qsm::v1::ExamHeader const& exam);

/// UIDs, number and dates of a series of ours. The series number is the source's x 100, plus the
/// kind's and 20 x the object's.
void put_own_series(DcmItem& item, SeriesDescription const& series, SeriesUids const& uids,
                    qsm::v1::DicomObject object);

/// The same of images: modality, frame of reference and description with it.
void put_general_series(DcmItem& item, SeriesDescription const& series, SeriesUids const& uids,
                        qsm::v1::DicomObject object = qsm::v1::DICOM_OBJECT_UNSPECIFIED);

}  // namespace chistream
