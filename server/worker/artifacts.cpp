#include "worker/artifacts.hpp"

#include <future>
#include <vector>

#include "container/sha256.hpp"
#include "formats/nifti.hpp"
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

}  // namespace

std::uint64_t put_result(SeriesDescription const& series, qsm::Reconstruction const& result,
                         ArtifactSink const& sink) {
  auto const& geometry = series.exam.geometry();
  std::vector<PendingVolume> volumes;
  volumes.push_back(compress("chi.nii.gz", geometry, result.chi_ppm));
  volumes.push_back(compress("mask.nii.gz", geometry, result.mask));
  volumes.push_back(compress("local_field.nii.gz", geometry, result.local_field_ppm));
  volumes.push_back(compress("total_field.nii.gz", geometry, result.total_field_ppm));
  volumes.push_back(compress("magnitude.nii.gz", geometry, result.magnitude));
  if (!result.r2s_per_s.empty())
    volumes.push_back(compress("r2s.nii.gz", geometry, result.r2s_per_s));

  auto const saturated =
      write_dicom_series(series, result.chi_ppm, [&](DicomInstance const& instance) {
        auto head = head_of(instance.name, "application/dicom", instance.bytes);
        head.set_sop_instance_uid(instance.sop_instance_uid);
        sink(head, instance.bytes);
      });
  for (auto& volume : volumes) {
    std::string const bytes = volume.bytes.get();
    sink(head_of(volume.name, "application/gzip", bytes), bytes);
  }
  return saturated;
}

void put_report(std::string const& report_json, ArtifactSink const& sink) {
  sink(head_of("report.json", "application/json", report_json), report_json);
}

}  // namespace chistream
