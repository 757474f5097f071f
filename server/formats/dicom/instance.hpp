/// One DICOM file as a few facts: what `qsm.v1.DicomInstance` holds.
#pragma once

#include <array>
#include <filesystem>

#include "qsm/v1/dicom_source.pb.h"

class DcmFileFormat;

namespace chistream::dicom {

/// UIDs of the storage classes that carry images this reader understands: MR, Enhanced MR, Legacy
/// Converted Enhanced MR.
std::array<char const*, 3> mr_image_classes();

/// Throws FormatError NOT_DICOM, DICOM_DICTIONARY_MISSING. DCMTK descends as deep as sequences are
/// nested: whoever reads files of strangers does so in a process that may end.
void load(std::filesystem::path const& path, DcmFileFormat& file);

/// Decodes the pixels in `file`. Throws FormatError DICOM_CLASS_UNSUPPORTED,
/// DICOM_ATTRIBUTE_MISSING (naming it), DICOM_VALUE_INVALID, GEOMETRY_MISMATCH,
/// PHASE_UNITS_UNKNOWN, and as decode() and Pixels. An image of no use (a localiser) is no error:
/// its frames are of an unspecified part.
qsm::v1::DicomInstance describe(DcmFileFormat& file);
qsm::v1::DicomInstance describe(std::filesystem::path const& path);

}  // namespace chistream::dicom
