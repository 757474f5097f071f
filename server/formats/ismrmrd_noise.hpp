/// The noise scan of an ISMRMRD file.
#pragma once

#include <ismrmrd/xml.h>

#include <optional>
#include <vector>

#include "formats/ismrmrd_hdf5.hpp"
#include "formats/whitening.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

struct NoiseLine {
  std::uint64_t at;  // which acquisition of the file it is
  ISMRMRD::ISMRMRD_AcquisitionHeader head;
};

/// The whitening that `lines`, not empty, allow; `header` then says so and counts the channels that
/// are left. Nothing where they do not suffice: a warning in `header` says why. Throws FormatError
/// SAMPLES_MISMATCH.
std::optional<Whitening> make_whitening(IsmrmrdFile& file, ISMRMRD::IsmrmrdHeader const& xml,
                                        float image_dwell_us, std::vector<NoiseLine> const& lines,
                                        qsm::v1::ExamHeader& header);

}  // namespace chistream
