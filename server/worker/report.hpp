/// report.json: everything needed to make the same map again, and what the chain observed.
#pragma once

#include <string>

#include "pipeline/pipeline.hpp"
#include "worker/dicom_series.hpp"

namespace chistream {

struct ReportInput {
  SeriesDescription const& series;
  qsm::PipelineOptions const& options;
  qsm::Reconstruction const& result;
  std::string device_kind;
  std::string device_name;
  std::uint64_t saturated_voxels = 0;
};

/// Holds no time and nothing about the patient, so that it is the same on a retry and may be shown
/// to anyone. Numbers are written with as many digits as they need to be read back exactly.
std::string make_report(ReportInput const& input);

/// Every option of the table by name, in the table's order; its digest is what identifiers use.
std::string parameters_json(qsm::PipelineOptions const& options);

/// The methods and key parameters in one line, for Derivation Description; with the alpha that was
/// in effect, which the options may have left to the phase scale.
std::string derivation_line(qsm::PipelineOptions const& options, double inversion_alpha);

/// "brain", "csf" or "none", for Series Description.
std::string reference_name(qsm::PipelineOptions const& options);

}  // namespace chistream
