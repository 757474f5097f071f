/// How the pixels came to be: derivation, and the equipment that contributed.
#pragma once

#include "worker/series_description.hpp"

class DcmItem;

namespace chistream {

/// Derivation, the reconstruction software and, where known, the scanner.
/// Throws Error{kInvalidArgument, "DERIVATION_TOO_LONG"}.
void put_derivation(DcmItem& item, SeriesDescription const& series);

}  // namespace chistream
