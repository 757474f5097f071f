/// An exam as a container file, converted once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "formats/exam_source.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// A container on disk, checked by inspect().
struct Exam {
  std::filesystem::path path;
  bool cached = false;  // made by us: remove it when the server has it
  std::uint64_t bytes = 0;
  std::string sha256;  // lower-case hex of the whole file
  qsm::v1::InputSummary summary = {};
};

/// $XDG_CACHE_HOME/chistream or ~/.cache/chistream.
std::filesystem::path default_cache();

/// Converts `source` into a file below `cache` (made with mode 0700), or finds the one that an
/// interrupted run left there: files are named by paths, sizes and times of the input and by every
/// option, and appear under that name only when whole. A .qsmexam input is used where it lies.
/// Needs as much disk as the exam has samples. Throws FormatError (every reason of the readers and
/// of inspect(); FILE_UNWRITABLE).
Exam prepare_exam(ExamSource const& source, std::filesystem::path const& cache);

/// Removes the container if it was made by prepare_exam.
void discard(Exam const& exam);

}  // namespace chistream
