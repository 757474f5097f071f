/// Whether the records of an exam are exactly those that its header calls for.
#pragma once

#include <string>
#include <vector>

#include "formats/container_reader.hpp"

namespace chistream {

/// The k-space lines of every echo, each at least once, or what sampling.hpp accepts without the
/// rest: then with a warning, and so where lines came more than once. Throws FormatError as
/// inspect() lists.
std::vector<std::string> check_lines(ContainerReader const& exam);

/// Complex, or magnitude and phase, once for every echo and coil.
void check_blocks(ContainerReader const& exam);

}  // namespace chistream
