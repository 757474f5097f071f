/// Whether the records of an exam are exactly those that its header calls for.
#pragma once

#include "formats/container_reader.hpp"

namespace chistream {

/// Every k-space line of every echo once. Throws FormatError as inspect() lists.
void check_lines(ContainerReader const& exam);

/// Complex, or magnitude and phase, once for every echo and coil.
void check_blocks(ContainerReader const& exam);

}  // namespace chistream
