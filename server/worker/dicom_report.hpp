/// One page about the map, for whoever has nothing but the PACS: an Enhanced SR document.
#pragma once

#include "worker/dicom_series.hpp"
#include "worker/report.hpp"

namespace chistream {

/// How the map was made, the numbers that tell how well, every warning, and the middle slice of the
/// series of MR images as its figure. The same arguments give the same bytes.
///
/// Content items by hand rather than by DCMTK's dcmsr, which makes up UIDs and dates of its own.
DicomInstance write_dicom_report(ReportInput const& input);

}  // namespace chistream
