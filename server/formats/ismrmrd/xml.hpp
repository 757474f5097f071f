/// Between the ISMRMRD XML header and qsm.v1.ExamHeader.
#pragma once

#include <ismrmrd/xml.h>

#include <string>

#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Throws FormatError BAD_ISMRMRD_HEADER.
ISMRMRD::IsmrmrdHeader parse_ismrmrd_xml(std::string const& text);

/// Everything but what only the acquisitions know: coils, records, and the geometry beyond matrix
/// and voxel size. Throws FormatError as read_ismrmrd() lists.
qsm::v1::ExamHeader exam_header_of(ISMRMRD::IsmrmrdHeader const& xml);

ISMRMRD::IsmrmrdHeader xml_header_of(qsm::v1::ExamHeader const& header);

/// Centre of the volume, voxel floor(N/2), in LPS mm; and back, given the axes.
qsm::v1::Vector3 centre_of(qsm::v1::Geometry const& geometry);
void set_centre(qsm::v1::Geometry& geometry, qsm::v1::Vector3 const& centre);

}  // namespace chistream
