/// Command-line flags that say what an exam is and whose it is.
#pragma once

#include <CLI/CLI.hpp>

#include "formats/exam_source.hpp"
#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// INPUT..., --magnitude, --phase, --te, --b0, --b0-dir, --frequency-hz, --phase-units,
/// --phase-sign, --slice-chopping, --noise, --no-whitening. One INPUT is an ISMRMRD file, a
/// container, a BIDS or a DICOM folder; with --phase, inputs are magnitudes.
class ExamFlags {
 public:
  void add_to(CLI::App& app);

  /// Throws FormatError MISSING_PHASE, MISSING_MAGNITUDE, NOISE_WITHOUT_RAW_DATA or NO_INPUT for
  /// flags that make no exam.
  ExamSource source() const;

 private:
  std::vector<std::filesystem::path> inputs_;
  std::vector<double> b0_direction_;
  std::string phase_units_ = "auto";
  std::string slice_chopping_ = "auto";
  std::filesystem::path noise_;
  bool no_whitening_ = false;
  ImageFiles images_;
};

/// --patient-name, --study-id, ...: one per field of qsm.v1.Identity. `identity` outlives `app`.
void add_identity_flags(CLI::App& app, qsm::v1::Identity& identity);

}  // namespace chistream
