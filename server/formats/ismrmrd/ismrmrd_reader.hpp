/// Turns an ISMRMRD data set (HDF5), or a captured MRD stream, into an exam container, as a stream.
#pragma once

#include <filesystem>

#include "formats/container_writer.hpp"
#include "formats/noise_source.hpp"

namespace chistream {

/// Reads `path` in blocks of at most 32 MiB of samples and writes header, lines and end to `out`.
/// Two passes over the acquisition headers, one over the samples.
///
/// Lines are placed by kspace_encode_step - center + floor(K/2), samples by m - center_sample +
/// floor(Kx/2) after discard_pre/discard_post; reversed readouts are turned round; the samples a
/// partial echo does not reach are zero (phase-neutral) and counted in a warning. Navigator,
/// phase-correction, feedback, dummy and calibration-only lines are left out and counted in
/// warnings.
///
/// Noise lines, wherever they stand, or those of another file whiten the channels (whitening.hpp,
/// ismrmrd_noise.hpp); warnings say what was done, or why not.
///
/// Throws FormatError: FILE_UNREADABLE, NOT_ISMRMRD, those of MrdCapture, BAD_ISMRMRD_HEADER,
/// ECHO_COUNT_MISMATCH, ENCODINGS_UNSUPPORTED, TRAJECTORY_UNSUPPORTED, UNDERSAMPLED (parallel
/// imaging declared), SLICES_UNSUPPORTED, AVERAGES_UNSUPPORTED, REPETITIONS_UNSUPPORTED (also
/// phases and sets), FOV_MISMATCH, COIL_COUNT_MISMATCH, SAMPLES_MISMATCH, LINE_OUT_OF_RANGE,
/// GEOMETRY_CHANGES, NO_IMAGING_LINES, and those of find_whitening() and check_header().
void read_ismrmrd(std::filesystem::path const& path, NoiseSource const& noise,
                  ContainerWriter& out);

}  // namespace chistream
