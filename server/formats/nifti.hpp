/// NIfTI-1 volumes (.nii, .nii.gz): read to float32 in the DICOM patient frame, and written back.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// What the header of a NIfTI file says.
struct NiftiInfo {
  qsm::v1::Geometry geometry;         // LPS, from sform, else qform, else pixdim alone
  std::array<std::uint32_t, 5> size;  // x, y, z, then usually echoes, then coils; absent axes are 1
  float slope = 1;                    // scl_slope, with 0 (none) read as 1
  float intercept = 0;
  bool integer = false;  // stored as integers
  bool oriented = true;  // false: neither sform nor qform is set

  std::size_t voxels() const { return std::size_t{size[0]} * size[1] * size[2]; }
  std::size_t volumes() const { return std::size_t{size[3]} * size[4]; }
};

/// Reads a file volume by volume, so that memory holds one volume and not the file.
///
/// Accepts 3-D to 5-D, 1..4096 per axis, at most 8 GiB per volume as float32, real types of 8 to 64
/// bits in either byte order. Throws FormatError: FILE_UNREADABLE, NIFTI_BAD_HEADER,
/// NIFTI_DIMENSIONS, NIFTI_TYPE_UNSUPPORTED, DIRECTIONS_NOT_ORTHONORMAL (sheared axes),
/// NIFTI_TRUNCATED.
class NiftiReader {
 public:
  explicit NiftiReader(std::filesystem::path const& path);
  ~NiftiReader();
  NiftiReader(NiftiReader&&) noexcept;

  NiftiInfo const& info() const { return info_; }

  /// The next volume, slope and intercept applied once (or not at all, where `scaled` is false).
  /// `out` has info().voxels() elements.
  void read_volume(std::span<float> out, bool scaled = true);

  /// Back to the first volume.
  void rewind();

 private:
  struct File;
  NiftiInfo info_;
  std::unique_ptr<File> file_;
};

/// A whole file in memory.
struct NiftiImage {
  NiftiInfo info;
  std::vector<float> values;  // x fastest
};
NiftiImage read_nifti(std::filesystem::path const& path);

/// Writes volumes of one geometry (x fastest; several volumes become the fourth axis) as .nii, or
/// compressed if the name ends in .gz. The bytes depend on the arguments alone. sform and qform
/// both hold the geometry. Throws FormatError FILE_UNWRITABLE; std::logic_error if `values` is no
/// whole number of volumes.
void write_nifti(std::filesystem::path const& path, qsm::v1::Geometry const& geometry,
                 std::span<float const> values);
void write_nifti(std::filesystem::path const& path, qsm::v1::Geometry const& geometry,
                 std::span<std::uint8_t const> values);

/// The bytes of the .nii file that write_nifti would write, for whoever has no file to write to.
std::string encode_nifti(qsm::v1::Geometry const& geometry, std::span<float const> values);
std::string encode_nifti(qsm::v1::Geometry const& geometry, std::span<std::uint8_t const> values);

}  // namespace chistream
