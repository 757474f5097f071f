/// The deep check of an exam: everything that must hold before a job may use it.
#pragma once

#include "formats/container_reader.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Checks what the header says. Throws FormatError:
///   TE_OUT_OF_RANGE (0.1..100 ms), TE_NOT_INCREASING, COIL_COUNT_MISMATCH (1..1024),
///   MATRIX_OUT_OF_RANGE (4..1024 per axis; k-space up to 4096), INTERPOLATION_UNSUPPORTED (encoded
///   matrix smaller than the image), ZERO_FIELD_OF_VIEW, VOXEL_OUT_OF_RANGE (0.1..10 mm),
///   B0_OUT_OF_RANGE (0.2..12 T, within 20 % of the resonance frequency where that is given),
///   DIRECTIONS_NOT_ORTHONORMAL, BAD_HEADER (content, phase sign, anything not finite).
void check_header(qsm::v1::ExamHeader const& header);

/// check_header, then every record and every sample. Throws FormatError, beyond the above:
///   HEADER_PROMISES_MORE (or fewer records than there are)
///   k-space: ECHO_COUNT_MISMATCH, COIL_COUNT_MISMATCH, SAMPLES_MISMATCH, LINE_OUT_OF_RANGE,
///     UNDERSAMPLED (how many lines, and the factor per axis where it is regular)
///   images: ECHO_COUNT_MISMATCH, COIL_COUNT_MISMATCH, MATRIX_OUT_OF_RANGE (block of another size),
///     DUPLICATE_BLOCKS, MISSING_PHASE, MISSING_MAGNITUDE, PHASE_OUT_OF_RANGE (beyond pi (1 +
///     1e-3))
///   both: RECORD_CRC_MISMATCH, NON_FINITE_SAMPLES (how many), ALL_ZERO_SAMPLES (an echo is empty)
/// Warnings of the result: those of the header and of sampling.hpp, AVERAGES, SINGLE_ECHO,
/// PHASE_SPAN_SMALL (below 1.8 pi).
///
/// sha256 and estimated_peak_bytes are left to the caller. Reads the file once; `threads` scan it
/// side by side.
qsm::v1::InputSummary inspect(ContainerReader const& exam, unsigned threads = 2);

}  // namespace chistream
