/// Whatever a user has of an exam, as one stream.
#pragma once

#include <filesystem>

#include "formats/container_writer.hpp"
#include "formats/image_files.hpp"
#include "formats/noise_source.hpp"

namespace chistream {

/// `input`: an ISMRMRD file (.h5, .hdf5, .mrd), a container (.qsmexam), a BIDS folder or a folder
/// of DICOM images of one exam; or empty, and `images` names NIfTI files. What is set in `images`
/// beside the file names (echo times, B0 and its direction, units, sign) replaces what a BIDS
/// folder says; of these, only the sign replaces anything of DICOM images.
struct ExamSource {
  std::filesystem::path input;
  ImageFiles images;
  NoiseSource noise;                                  // of raw data
  std::optional<bool> slices_chopped = std::nullopt;  // of DICOM images; nothing: see read_dicom()
};

bool is_ismrmrd(std::filesystem::path const& path);

/// Writes header, records and end. The same source gives the same bytes. Throws FormatError
/// FILE_UNREADABLE, UNKNOWN_FORMAT, and what the reader concerned throws.
void write_exam(ExamSource const& source, ContainerWriter& out);

}  // namespace chistream
