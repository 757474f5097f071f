/// report.json: everything needed to make the same map again, and what the chain observed.
#pragma once

#include <string>

#include "pipeline/pipeline.hpp"
#include "worker/series_description.hpp"

namespace chistream {

struct ReportInput {
  SeriesDescription const& series;
  qsm::PipelineOptions const& options;
  qsm::Reconstruction const& result;
  std::vector<std::string> warnings;  // of the chain and of storing; the exam's own are added
  std::string device_kind;
  std::string device_name;
  std::uint64_t saturated_voxels = 0;
};

/// Voxels of a mask.
std::uint64_t count(std::vector<std::uint8_t> const& mask);

/// Holds no time and nothing about the patient, so that it is the same on a retry and may be shown
/// to anyone. Numbers are written with as many digits as they need to be read back exactly.
std::string make_report(ReportInput const& input);

/// Every option of the table by name, in the table's order; its digest is what identifiers use.
std::string parameters_json(qsm::PipelineOptions const& options);

/// How the susceptibility came to be in one line, for Derivation Description: methods and key
/// parameters, with the alpha that was in effect, which the options may have left to the phase
/// scale.
std::string inversion_line(qsm::PipelineOptions const& options, double inversion_alpha);

/// The same of what lies before the inversion or beside it.
std::string derivation_line(qsm::v1::SeriesKind kind, qsm::PipelineOptions const& options);

/// "brain", "csf" or "none", for Series Description.
std::string reference_name(qsm::PipelineOptions const& options);

}  // namespace chistream
