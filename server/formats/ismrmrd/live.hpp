/// Turns an MRD stream into an exam container while the scan is still running.
#pragma once

#include "formats/container_writer.hpp"
#include "formats/growing_file.hpp"

namespace chistream {

/// Follows `stream` to its close, writing each line as it comes. The exam header goes out with the
/// first echo train (or, where the echoes are acquired one after the other, with the second line);
/// what shows only later is in the end record's warnings. The samples are those of read_ismrmrd().
///
/// Throws FormatError as read_ismrmrd() does, and LATE_NOISE, LATE_POLARITY for a stream whose
/// header could not be known that early: it has to be read once more when it is whole.
void read_live_mrd(GrowingFile const& stream, ContainerWriter& out);

}  // namespace chistream
