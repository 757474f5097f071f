/// The DICOM images that a slice of the result was made of.
#pragma once

#include "qsm/v1/acquisition.pb.h"

class DcmItem;

namespace chistream {

/// Source Image and Referenced Series sequences of slice `z`; nothing where the exam did not come
/// as DICOM. Only what this slice was made of: a reference to every image of the exam in every
/// slice would grow with the square of their number.
void put_sources(DcmItem& item, qsm::v1::ExamHeader const& exam, int z);

}  // namespace chistream
