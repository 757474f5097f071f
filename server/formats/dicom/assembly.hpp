/// Sorting DICOM images into exams, and knowing what an exam still lacks.
///
/// An exam is one acquisition: the magnitude and phase, or real and imaginary, images of every echo
/// and slice. Scanners put the parts into one series or into two that follow one another. Images of
/// different patients, studies, frames of reference, directions or matrices never meet.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "qsm/v1/dicom_source.pb.h"

namespace chistream::dicom {

/// An instance, and the file it stands in.
struct SourceFile {
  std::filesystem::path path;
  qsm::v1::DicomInstance facts;
};

/// A frame of `files[file]`.
struct FrameRef {
  std::size_t file = 0;
  int frame = 0;
};

/// Which images fill the exam, echo by echo and slice by slice.
class ExamImages {
 public:
  bool complex() const { return complex_; }  // real and imaginary
  std::vector<double> const& te_s() const { return te_s_; }
  std::size_t slices() const { return positions_.size(); }
  double slice_spacing_mm() const { return spacing_mm_; }

  /// Part 0: magnitude or real; part 1: phase or imaginary. Slices ascend along the normal, the
  /// rows' direction cross the columns'. Null where the image is not there.
  FrameRef const* at(std::size_t echo, std::size_t slice, std::size_t part) const;

 private:
  friend class Sorter;
  bool complex_ = false;
  std::vector<double> te_s_;
  std::vector<double> positions_;  // along the normal [mm]
  double spacing_mm_ = 0;
  std::map<std::array<std::size_t, 3>, FrameRef> cells_;
};

struct Refusal {
  std::string reason;
  std::string message;
};

struct DicomExam {
  std::vector<std::string> series_uids;  // in the order of their numbers
  std::vector<SourceFile> files;
  ExamImages images;
  std::vector<std::string> missing;  // "phase, echo 2 (10 ms): slices 3, 17 to 20"
  bool counted = false;              // the scanner said how many echoes and slices there are
  std::optional<Refusal> refusal;    // no further image can mend it

  std::string missing_text() const;  // all of it in a line
  bool ready() const { return !refusal && missing.empty(); }
};

/// Sorts `files` into exams; what is of no use to any is left out. The order of `files` does not
/// matter. Refusals: MIXED_PATIENTS, DUPLICATE_IMAGES (one place, two contents),
/// ECHO_TIMES_EQUAL, FILTERED_PHASE, SLICES_IRREGULAR, DISTORTION_MISMATCH.
std::vector<DicomExam> sort_into_exams(std::span<SourceFile const> files);

}  // namespace chistream::dicom
