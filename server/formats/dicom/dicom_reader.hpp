/// Turns the DICOM images of one exam into an exam container.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "formats/container_writer.hpp"
#include "formats/dicom/assembly.hpp"

namespace chistream::dicom {

/// What a user knows better than the rules of vendor.hpp.
struct ReadOptions {
  std::optional<int> phase_sign = std::nullopt;  // +1 or -1
  std::optional<bool> chopped = std::nullopt;    // every other slice is negated
};

/// Every DICOM MR instance of a folder, sub-folders included, and which files are none (with the
/// reason): a DICOMDIR, a text file.
struct FolderContents {
  std::vector<SourceFile> files;
  std::vector<std::string> others;
};
FolderContents scan_folder(std::filesystem::path const& folder);

/// The one exam of `contents` that can be read. Throws FormatError NO_DICOM_EXAM,
/// SEVERAL_DICOM_EXAMS (naming the series), IMAGES_MISSING (naming them), or the exam's refusal.
DicomExam only_exam(FolderContents const& contents);

/// Holds the volumes of three echoes and the open multi-frame files. Throws FormatError as only_exam(), describe(),
/// check_header() do, and
/// FILTERED_PHASE (phase_filter.hpp).
///
/// GE leaves the sign of every other slice of a 3D acquisition inverted ("chopping"). It is undone
/// where neighbouring slices of the first echo are opposed on the whole: with S_k the complex
/// slices, Re sum_k <S_k, S_k+1> < 0. A warning in the header says so.
void read_dicom(DicomExam const& exam, ReadOptions const& options, ContainerWriter& out);

}  // namespace chistream::dicom
