#include "worker/artifacts.hpp"

#include <future>
#include <vector>

#include "container/sha256.hpp"
#include "formats/nifti.hpp"
#include "formats/series_kind.hpp"
#include "worker/dicom_multiframe.hpp"
#include "worker/gzip.hpp"

namespace chistream {

namespace {

qsm::v1::Artifact head_of(std::string const& name, std::string const& media_type,
                          std::string_view bytes) {
  qsm::v1::Artifact artifact;
  artifact.set_name(name);
  artifact.set_media_type(media_type);
  artifact.set_bytes(bytes.size());
  artifact.set_sha256(qsm::container::sha256_hex(bytes));
  return artifact;
}

struct PendingVolume {
  std::string name;
  std::future<std::string> bytes;
};

template <class T>
PendingVolume compress(std::string name, qsm::v1::Geometry const& geometry,
                       std::vector<T> const& values) {
  return {std::move(name), std::async(std::launch::async, [&geometry, &values] {
            return gzip(encode_nifti(geometry, std::span<T const>(values)));
          })};
}

std::vector<PendingVolume> compress_all(std::vector<SeriesDescription> const& series,
                                        qsm::Reconstruction const& result) {
  auto const& geometry = series.front().exam.geometry();
  std::vector<PendingVolume> volumes;
  volumes.push_back(compress("chi.nii.gz", geometry, result.chi_ppm));
  volumes.push_back(compress("mask.nii.gz", geometry, result.mask));
  volumes.push_back(compress("local_field.nii.gz", geometry, result.local_field_ppm));
  volumes.push_back(compress("total_field.nii.gz", geometry, result.total_field_ppm));
  volumes.push_back(compress("magnitude.nii.gz", geometry, result.magnitude));
  if (!result.r2s_per_s.empty())
    volumes.push_back(compress("r2s.nii.gz", geometry, result.r2s_per_s));
  for (auto const& one : series) {
    if (one.kind == qsm::v1::SERIES_KIND_FIELD_NOISE && !result.field_noise_ppm.empty())
      volumes.push_back(compress("field_noise.nii.gz", geometry, result.field_noise_ppm));
    if (one.kind == qsm::v1::SERIES_KIND_UNCERTAINTY && !result.uncertainty_ppm.empty())
      volumes.push_back(compress("uncertainty.nii.gz", geometry, result.uncertainty_ppm));
    if (one.kind == qsm::v1::SERIES_KIND_WEIGHT)
      volumes.push_back(compress("weight.nii.gz", geometry, result.weight));
    if (one.kind == qsm::v1::SERIES_KIND_QUALITY)
      volumes.push_back(compress("quality.nii.gz", geometry, result.quality));
  }
  return volumes;
}

/// The map of a series; empty where the scan does not tell it. `mask` is room for that of the mask.
std::span<float const> map_of(qsm::v1::SeriesKind kind, qsm::Reconstruction const& result,
                              std::vector<float>& mask) {
  switch (kind) {
    case qsm::v1::SERIES_KIND_LOCAL_FIELD:
      return result.local_field_ppm;
    case qsm::v1::SERIES_KIND_TOTAL_FIELD:
      return result.total_field_ppm;
    case qsm::v1::SERIES_KIND_FIELD_NOISE:
      return result.field_noise_ppm;
    case qsm::v1::SERIES_KIND_UNCERTAINTY:
      return result.uncertainty_ppm;
    case qsm::v1::SERIES_KIND_R2S:
      return result.r2s_per_s;
    case qsm::v1::SERIES_KIND_MAGNITUDE:
      return result.magnitude;
    case qsm::v1::SERIES_KIND_MASK:
      mask.assign(result.mask.begin(), result.mask.end());
      return mask;
    case qsm::v1::SERIES_KIND_WEIGHT:
      return result.weight;
    case qsm::v1::SERIES_KIND_QUALITY:
      return result.quality;
    default:
      return result.chi_ppm;
  }
}

}  // namespace

StoredResult put_result(std::vector<SeriesDescription> const& series,
                        qsm::Reconstruction const& result, ArtifactSink const& sink) {
  auto volumes = compress_all(series, result);
  StoredResult stored;
  std::vector<float> mask;
  for (auto const& one : series) {
    auto const name = series_name(one.kind);
    auto const map = map_of(one.kind, result, mask);
    if (map.empty()) {
      stored.warnings.push_back("there is no series " + name + ": it takes more echoes");
      continue;
    }
    auto const put = [&](DicomInstance const& instance) { put_instance(instance, sink); };
    auto const saturated = write_dicom_series(one, map, put);
    for (auto const object : one.objects)
      if (object != qsm::v1::DICOM_OBJECT_REPORT) put(write_multiframe(one, object, map));
    if (one.kind == qsm::v1::SERIES_KIND_SUSCEPTIBILITY) stored.saturated_voxels = saturated;
    if (saturated > 0)
      stored.warnings.push_back(std::to_string(saturated) + " voxels of " + name +
                                " are beyond what DICOM pixels hold and stored at the limit");
  }
  for (auto& volume : volumes) {
    std::string const bytes = volume.bytes.get();
    sink(head_of(volume.name, "application/gzip", bytes), bytes);
  }
  return stored;
}

void put_instance(DicomInstance const& instance, ArtifactSink const& sink) {
  auto head = head_of(instance.name, "application/dicom", instance.bytes);
  head.set_sop_instance_uid(instance.sop_instance_uid);
  sink(head, instance.bytes);
}

void put_report(std::string const& report_json, ArtifactSink const& sink) {
  sink(head_of("report.json", "application/json", report_json), report_json);
}

}  // namespace chistream
