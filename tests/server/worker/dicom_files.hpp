/// Series written by the worker, read back the way a PACS would.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "qsm/v1/acquisition.pb.h"
#include "worker/dicom_series.hpp"

namespace chistream::test {

/// Patient coordinates in micrometres -> stored pixel value.
using PlacedValues = std::map<std::array<long long, 3>, double>;

/// 7 x 5 x 6 voxels of 0.9 x 1.1 x 1.7 mm off the centre, axes as given (LPS).
qsm::v1::Geometry odd_geometry(std::array<double, 3> x, std::array<double, 3> y,
                               std::array<double, 3> z);

SeriesDescription series_of(qsm::v1::Geometry const& geometry);

/// Every instance in memory; `saturated` may be null.
std::vector<DicomInstance> write_all(SeriesDescription const& series,
                                     std::vector<float> const& chi_ppm,
                                     std::uint64_t* saturated = nullptr);

/// Where each voxel of each file lies, by Image Position, Orientation and Pixel Spacing alone.
PlacedValues placed(std::vector<DicomInstance> const& instances);

/// One attribute as text, the first there is, in a sequence or not.
std::string attribute(DicomInstance const& instance, std::string const& name);

/// Writes the files to a fresh folder, which is removed at the end.
class SeriesFolder {
 public:
  explicit SeriesFolder(std::vector<DicomInstance> const& instances);
  ~SeriesFolder();
  SeriesFolder(SeriesFolder const&) = delete;
  std::vector<std::filesystem::path> const& files() const { return files_; }
  std::string quoted_files() const;

 private:
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> files_;
};

/// stdout and stderr of a shell command.
std::string output_of(std::string const& command);

}  // namespace chistream::test
