#include "worker/stage_volumes.hpp"

#include <cmath>

#include "formats/format_error.hpp"
#include "worker/container_scan.hpp"

namespace chistream {

namespace {

std::string size_text(qsm::Grid g) {
  return std::to_string(g.nx) + "x" + std::to_string(g.ny) + "x" + std::to_string(g.nz);
}

qsm::Grid grid_of(NiftiInfo const& info) {
  return {static_cast<int>(info.size[0]), static_cast<int>(info.size[1]),
          static_cast<int>(info.size[2])};
}

}  // namespace

void StageVolumes::agree(NiftiInfo const& info, std::filesystem::path const& path) {
  if (!geometry_) geometry_ = info.geometry;
  if (!(grid() == grid_of(info)))
    throw FormatError("GEOMETRY_MISMATCH", path.filename().string() + " has " +
                                               size_text(grid_of(info)) +
                                               " voxels, the first file " + size_text(grid()));
}

NiftiImage StageVolumes::images(std::filesystem::path const& path) {
  NiftiImage image = read_nifti(path);
  agree(image.info, path);
  return image;
}

std::vector<float> StageVolumes::volume(std::filesystem::path const& path) {
  NiftiImage image = images(path);
  if (image.info.volumes() != 1)
    throw FormatError("NIFTI_DIMENSIONS", path.filename().string() + " has " +
                                              std::to_string(image.info.volumes()) +
                                              " volumes instead of one");
  return std::move(image.values);
}

std::vector<std::uint8_t> StageVolumes::mask(std::filesystem::path const& path) {
  std::vector<std::uint8_t> mask;
  for (float const v : volume(path)) mask.push_back(v != 0 && !std::isnan(v));
  return mask;
}

std::vector<std::uint8_t> StageVolumes::labels(std::filesystem::path const& path) {
  std::vector<std::uint8_t> labels;
  for (float const v : volume(path)) {
    if (!(v >= 0 && v <= 255) || v != std::floor(v))
      throw FormatError("BAD_LABELS", "a label is not a whole number of 0 .. 255");
    labels.push_back(static_cast<std::uint8_t>(v));
  }
  return labels;
}

DeviceVolume StageVolumes::upload(qsm::ThisDevice const& device,
                                  std::filesystem::path const& path) {
  auto const values = volume(path);
  return {device, grid(), values};
}

DeviceMask StageVolumes::upload_mask(qsm::ThisDevice const& device,
                                     std::filesystem::path const& path) {
  auto const values = mask(path);
  return {device, grid(), values};
}

std::vector<DeviceVolume> StageVolumes::upload_volumes(qsm::ThisDevice const& device,
                                                       std::filesystem::path const& path,
                                                       std::size_t echoes) {
  NiftiImage const image = images(path);
  if (image.info.volumes() != echoes)
    throw FormatError("ECHO_COUNT_MISMATCH",
                      path.filename().string() + " has " + std::to_string(image.info.volumes()) +
                          " volumes for " + std::to_string(echoes) + " echo times");
  std::vector<DeviceVolume> volumes;
  std::size_t const n = grid().size();
  for (std::size_t e = 0; e < echoes; ++e)
    volumes.emplace_back(device, grid(), std::span(image.values).subspan(e * n, n));
  return volumes;
}

qsm::CombinedEchoes<qsm::ThisDevice> StageVolumes::upload_echoes(
    qsm::ThisDevice const& device, std::filesystem::path const& magnitude,
    std::filesystem::path const& phase, std::size_t echoes) {
  qsm::CombinedEchoes<qsm::ThisDevice> combined;
  combined.magnitude = upload_volumes(device, magnitude, echoes);
  combined.phase = upload_volumes(device, phase, echoes);
  return combined;
}

qsm::Grid StageVolumes::grid() const {
  auto const& m = geometry_->matrix();
  return {static_cast<int>(m.x()), static_cast<int>(m.y()), static_cast<int>(m.z())};
}

qsm::Vec3d StageVolumes::voxel_mm() const {
  auto const& v = geometry_->voxel_mm();
  return {v.x(), v.y(), v.z()};
}

qsm::Vec3d StageVolumes::b0_direction(std::vector<double> const& given) const {
  if (given.size() == 3) return {given[0], given[1], given[2]};
  return chistream::b0_direction(*geometry_);
}

qsm::ScanDescription scan_of(StageVolumes const& volumes, std::vector<double> te_s, double b0_t) {
  return {.matrix = volumes.grid(),
          .encoded = volumes.grid(),
          .voxel_mm = volumes.voxel_mm(),
          .b0_direction = volumes.b0_direction({}),
          .te_s = std::move(te_s),
          .b0_t = b0_t,
          .coils = 1,
          .is_kspace = false,
          .phase_sign = 1};
}

}  // namespace chistream
