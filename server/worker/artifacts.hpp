/// What a job leaves behind: names, bytes, digests.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "pipeline/pipeline.hpp"
#include "qsm/v1/result.pb.h"
#include "worker/dicom_series.hpp"

namespace chistream {

/// Receives one artifact whole; `artifact` carries its size and SHA-256.
using ArtifactSink = std::function<void(qsm::v1::Artifact const& artifact, std::string_view bytes)>;

/// dicom/0001.dcm ..., chi, local_field, total_field (float32 ppm), magnitude (float32), r2s
/// (float32 1/s, with two echoes or more), mask (uint8), each .nii.gz. The volumes are compressed on threads of their own while the DICOM
/// series is written. Returns how many voxels the series saturates.
///
/// Bytes depend on the arguments alone, so that a retried job puts the same artifacts.
std::uint64_t put_result(SeriesDescription const& series, qsm::Reconstruction const& result,
                         ArtifactSink const& sink);

void put_report(std::string const& report_json, ArtifactSink const& sink);

}  // namespace chistream
