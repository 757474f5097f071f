/// Where each DICOM image of a volume lies.
///
/// x of the volume is the column index, y the row index, z the slice. Every slice carries its own
/// position, origin + z * spacing * z_direction, so the patient coordinate of each voxel is exact
/// for right-handed and left-handed volumes alike; only the order of the images differs: they
/// ascend along the normal (x cross y) as viewers expect. Of an exam that came as DICOM, positions
/// and orientation are the very text of its images: viewers compare them for equality.
#pragma once

#include <string>

#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// A DICOM decimal string: the closest to `value` that fits in 16 characters.
/// Throws Error{kInvalidArgument, "NON_FINITE_VALUE"}.
std::string decimal_string(double value);

class SlicePlanes {
 public:
  explicit SlicePlanes(qsm::v1::ExamHeader const& exam) : geometry_(exam.geometry()), exam_(exam) {}

  int count() const { return static_cast<int>(geometry_.matrix().z()); }

  /// z of the image with this number, from 1.
  int slice_of(int instance_number) const;

  std::string position(int z) const;  // Image Position (Patient)
  std::string orientation() const;    // Image Orientation (Patient)
  std::string pixel_spacing() const;  // between rows, then between columns
  std::string slice_spacing() const;

 private:
  qsm::v1::Geometry geometry_;
  qsm::v1::ExamHeader const& exam_;
};

}  // namespace chistream
