/// Which lines of a Cartesian 3-D k-space were measured, and what that makes of the scan.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chistream {

/// The lines of one echo over (y, z), y fastest; k = 0 at floor(size / 2) on both axes.
class SampledLines {
 public:
  SampledLines(std::uint32_t size_y, std::uint32_t size_z);

  void add(std::uint32_t y, std::uint32_t z);

  std::size_t missing() const { return missing_; }
  std::uint32_t most_averages() const { return most_; }  // how often the commonest line came

  /// What zeros in place of the missing lines mean, as a warning: "" where nothing is missing;
  ///   ELLIPTICAL_SAMPLING  only corners beyond an ellipse are missing, on both sides of k = 0
  ///   alike PARTIAL_FOURIER      an axis ends early on one side of the centre REDUCED_SAMPLING an
  ///   axis ends early on both sides: less resolution than voxels
  /// with the fraction measured. Zeros there leave the phase of what was measured as it is.
  ///
  /// Throws FormatError UNDERSAMPLED for anything else, with the factor per axis where the gaps are
  /// regular: zeros in gaps fold the image onto itself. Also where less than a sixteenth of an axis
  /// lies beyond its centre.
  std::string describe(std::size_t echo) const;

 private:
  struct Range {
    std::uint32_t first = 0, last = 0;  // lines measured along an axis, both inclusive
  };
  bool at(std::uint32_t y, std::uint32_t z) const {
    return hits_[std::size_t{z} * size_y_ + y] > 0;
  }
  Range range(bool along_y) const;
  std::uint32_t spacing(bool along_y) const;  // of regular gaps; 1 where there are none
  bool fills_ellipse(Range y, Range z) const;
  bool symmetric(Range y, Range z) const;
  [[noreturn]] void refuse(std::size_t echo) const;

  std::uint32_t size_y_, size_z_;
  std::vector<std::uint32_t> hits_;
  std::size_t missing_;
  std::uint32_t most_ = 0;
};

}  // namespace chistream
