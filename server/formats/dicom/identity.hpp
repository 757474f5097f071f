/// Patient, study and scanner of a DICOM data set, as UTF-8.
#pragma once

#include <dcmtk/dcmdata/dcitem.h>

#include "qsm/v1/acquisition.pb.h"

namespace chistream::dicom {

/// Text that is not of the declared character set keeps its ASCII characters, the others become
/// '?': a wrong name would be worse than an incomplete one.
qsm::v1::Identity identity_of(DcmItem& dataset);

}  // namespace chistream::dicom
