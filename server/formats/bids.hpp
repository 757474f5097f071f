/// Finds a multi-echo series with magnitude and phase in a BIDS folder.
#pragma once

#include <filesystem>

#include "formats/image_files.hpp"

namespace chistream {

/// Whether there is any *_part-mag or *_part-phase image below `folder`.
/// Throws FormatError FILE_UNREADABLE.
bool holds_bids_images(std::filesystem::path const& folder);

/// Looks below `folder` for *_echo-N_part-mag*.nii(.gz) and *_echo-N_part-phase*.nii(.gz) with
/// their JSON sidecars: EchoTime [s] and MagneticFieldStrength [T], optionally ImagingFrequency
/// [MHz], Units of the phase ("rad"), Manufacturer, and B0_dir (three numbers along the volume's
/// axes).
///
/// Throws FormatError: BIDS_NO_SERIES, BIDS_AMBIGUOUS (more than one series), BIDS_SIDECAR,
/// MISSING_PHASE, MISSING_MAGNITUDE.
ImageFiles find_bids_series(std::filesystem::path const& folder);

}  // namespace chistream
