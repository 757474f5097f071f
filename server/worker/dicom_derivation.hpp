/// How the pixels came to be: derivation, and the equipment that contributed.
#pragma once

#include "worker/series_description.hpp"

class DcmItem;

namespace chistream {

/// Quantity, software, pipeline, methods and key parameters, echo times, reference, in one line.
/// Throws Error{kInvalidArgument, "DERIVATION_TOO_LONG"}.
std::string derivation_text(SeriesDescription const& series);

/// "RESEARCH", "PRODUCT", "SERVICE".
std::string qualification_text(qsm::v1::ContentQualification qualification);

/// Derivation, qualification, the reconstruction software and, where known, the scanner.
/// Throws Error{kInvalidArgument, "DERIVATION_TOO_LONG"}.
void put_derivation(DcmItem& item, SeriesDescription const& series);

}  // namespace chistream
