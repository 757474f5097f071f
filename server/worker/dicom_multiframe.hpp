/// A map as one multi-frame instance: Parametric Map Storage (float32, the map itself) or Enhanced
/// MR Image Storage (the 16-bit pixels of the single-frame series).
///
/// Functional groups are put together here rather than by DCMTK's dcmpmap and dcmfg: of Enhanced MR
/// there is no class in them, and both objects share all groups but two.
#pragma once

#include <span>

#include "worker/dicom_series.hpp"

namespace chistream {

/// Frames ascend along the normal, as the instances of write_dicom_series(). The same arguments
/// give the same bytes. Throws as write_dicom_series().
DicomInstance write_multiframe(SeriesDescription const& series, qsm::v1::DicomObject object,
                               std::span<float const> values);

}  // namespace chistream
