/// The noise scan that whitens an ISMRMRD exam: its own, or one measured before it.
#pragma once

#include <ismrmrd/xml.h>

#include <optional>
#include <vector>

#include "formats/acquisitions.hpp"
#include "formats/noise_source.hpp"
#include "formats/whitening.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// Which acquisitions of a file hold noise alone.
struct NoiseLine {
  std::uint64_t at;
  ISMRMRD::ISMRMRD_AcquisitionHeader head;
};

/// The exam that is to be whitened.
struct NoisyExam {
  Acquisitions& file;
  ISMRMRD::IsmrmrdHeader const& xml;
  float dwell_us;  // of its image lines
  std::vector<NoiseLine> const& noise;
};

/// `header` then says that the samples are white and counts the channels that are left. Nothing
/// where the exam's own noise lines do not suffice: a warning in `header` says why, and so does one
/// where the exam names a noise scan that it does not hold.
///
/// A file that `source` names must do: throws FormatError NOISE_MISSING (no noise lines in it),
/// NOISE_CHANNELS (other channels than the exam's), NOISE_TOO_SHORT, NOISE_EMPTY, and as
/// IsmrmrdFile; SAMPLES_MISMATCH for either.
std::optional<Whitening> find_whitening(NoiseSource const& source, NoisyExam const& exam,
                                        qsm::v1::ExamHeader& header);

}  // namespace chistream
