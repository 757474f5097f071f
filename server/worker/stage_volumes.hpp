/// NIfTI files as the stages take them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "device/buffer.hpp"
#include "formats/nifti.hpp"
#include "pipeline/combine.hpp"
#include "pipeline/scan.hpp"

namespace chistream {

using DeviceVolume = qsm::Buffer<qsm::ThisDevice, float>;
using DeviceMask = qsm::Buffer<qsm::ThisDevice, std::uint8_t>;

/// Images that lie on one grid; the first one read says where it is.
///
/// Throws FormatError as read_nifti(), and GEOMETRY_MISMATCH for a file of another size.
class StageVolumes {
 public:
  /// Every volume of a file: (x, y, z), (x, y, z, echo) or (x, y, z, echo, coil).
  NiftiImage images(std::filesystem::path const& path);

  std::vector<float> volume(std::filesystem::path const& path);       // one, else FormatError
  std::vector<std::uint8_t> mask(std::filesystem::path const& path);  // non-zero becomes 1
  std::vector<std::uint8_t> labels(std::filesystem::path const& path);

  DeviceVolume upload(qsm::ThisDevice const& device, std::filesystem::path const& path);
  DeviceMask upload_mask(qsm::ThisDevice const& device, std::filesystem::path const& path);

  /// One volume per echo. Throws FormatError ECHO_COUNT_MISMATCH.
  std::vector<DeviceVolume> upload_volumes(qsm::ThisDevice const& device,
                                           std::filesystem::path const& path, std::size_t echoes);
  qsm::CombinedEchoes<qsm::ThisDevice> upload_echoes(qsm::ThisDevice const& device,
                                                     std::filesystem::path const& magnitude,
                                                     std::filesystem::path const& phase,
                                                     std::size_t echoes);

  qsm::v1::Geometry const& geometry() const { return *geometry_; }
  qsm::Grid grid() const;
  qsm::Vec3d voxel_mm() const;

  /// `given` if it has three numbers, else what the affine says.
  qsm::Vec3d b0_direction(std::vector<double> const& given) const;

 private:
  void agree(NiftiInfo const& info, std::filesystem::path const& path);

  std::optional<qsm::v1::Geometry> geometry_;
};

/// The scan that echoes on this grid belong to.
qsm::ScanDescription scan_of(StageVolumes const& volumes, std::vector<double> te_s, double b0_t);

}  // namespace chistream
