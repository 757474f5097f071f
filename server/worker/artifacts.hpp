/// What a job leaves behind: names, bytes, digests.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/pipeline.hpp"
#include "qsm/v1/result.pb.h"
#include "worker/dicom_series.hpp"

namespace chistream {

/// Receives one artifact whole; `artifact` carries its size and SHA-256.
using ArtifactSink = std::function<void(qsm::v1::Artifact const& artifact, std::string_view bytes)>;

struct StoredResult {
  std::uint64_t saturated_voxels = 0;  // of the susceptibility
  std::vector<std::string> warnings;   // what the pixels could not hold, or the scan does not tell
};

/// The DICOM series, susceptibility first: dicom/0001.dcm ..., dicom/r2s/0001.dcm ... And as
/// .nii.gz chi, local_field, total_field (float32 ppm), magnitude (float32), mask (uint8), r2s
/// (float32 1/s, with two echoes or more), and field_noise (float32 ppm), weight, quality (float32,
/// 0..1) where their series are written. The volumes are compressed on threads of their own while
/// the DICOM series are written.
///
/// Bytes depend on the arguments alone, so that a retried job puts the same artifacts.
StoredResult put_result(std::vector<SeriesDescription> const& series,
                        qsm::Reconstruction const& result, ArtifactSink const& sink);

void put_report(std::string const& report_json, ArtifactSink const& sink);
void put_instance(DicomInstance const& instance, ArtifactSink const& sink);

}  // namespace chistream
