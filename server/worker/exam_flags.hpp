/// Flags that say what an exam is, whose it is, and how it is to be reconstructed.
#pragma once

#include <CLI/CLI.hpp>

#include "formats/exam_source.hpp"
#include "qsm/v1/job.pb.h"

namespace chistream {

/// INPUT..., --phase, --te, --b0, --b0-dir, --frequency-hz, --phase-units, --phase-sign. One input
/// is an ISMRMRD file, a container or a BIDS folder, unless --phase makes all of them magnitudes.
class ExamFlags {
 public:
  void add_to(CLI::App& app);
  ExamSource source() const;  // throws Error{kInvalidArgument} for flags that make no exam

 private:
  std::vector<std::string> inputs_;
  std::vector<double> b0_direction_;
  std::string phase_units_ = "auto";
  ImageFiles images_;
};

/// --patient-name, --study-id, ...: one per field of qsm.v1.Identity.
void add_identity_flags(CLI::App& app, qsm::v1::Identity& identity);

/// --pipeline and --set stage.option=value.
class PipelineFlags {
 public:
  void add_to(CLI::App& app);
  void fill(qsm::v1::JobSpec& spec) const;

 private:
  std::string pipeline_;
  std::vector<std::string> assignments_;
};

}  // namespace chistream
