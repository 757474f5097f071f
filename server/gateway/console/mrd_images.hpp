/// A DICOM series of ours as MRD images.
#pragma once

#include <filesystem>
#include <string>

namespace chistream::gateway {

/// The message (number, header, attributes, pixels) of one slice: signed 16-bit in the stored unit
/// (ppb), slope 1, one window for the volume. Scanners' bridges carry integers only; fractional
/// values collapse to flat images there. Throws FormatError as dicom::load() does.
std::string mrd_image(std::filesystem::path const& instance);

}  // namespace chistream::gateway
