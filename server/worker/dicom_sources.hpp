/// The DICOM images that a slice of the result was made of.
#pragma once

#include "qsm/v1/acquisition.pb.h"
#include "worker/dicom_dataset.hpp"

namespace chistream {

/// Source Image and Referenced Series sequences of slice `z`; nothing where the exam did not come
/// as DICOM. Only what this slice was made of: a reference to every image of the exam in every
/// slice would grow with the square of their number.
void put_sources(DcmItem& item, qsm::v1::ExamHeader const& exam, int z);

/// Every image of the exam, once: the evidence of a multi-frame instance.
void put_evidence(DcmItem& item, qsm::v1::ExamHeader const& exam, DcmTagKey const& sequence);

/// As put_sources(), for a frame of a multi-frame instance, as its Derivation Image functional
/// group.
void put_derivation_image(DcmItem& frame, qsm::v1::ExamHeader const& exam, int z,
                          DicomCode const& derivation);

}  // namespace chistream
