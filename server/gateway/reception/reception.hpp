/// One DICOM association, from its request to its end, in a process of its own whose standard input
/// is the connection.
#pragma once

#include <filesystem>

#include "gateway/settings.hpp"

namespace chistream::gateway {

struct ReceptionOptions {
  std::filesystem::path config;
  std::filesystem::path state;
  std::size_t listener = 0;  // index into Settings::listen
};

/// Negotiates (Verification and the MR image classes; other classes are rejected one by one),
/// answers C-ECHO, and stores what C-STORE brings:
///
///   0000  it is on disk, synced
///   A700  the disk is full, or nearly
///   0111  another image came under this UID before; the first one stays
///   C000  it cannot be parsed, with the reason as comment; A900 where its class is not the one
///         that was announced
///
/// A node that was asked for storage commitment calls the gateway's own AE title, and reports what
/// it keeps (N-EVENT-REPORT): "committed TRANSACTION FAILED_INSTANCE...".
///
/// Tells the process that listens, a line on stdout each: "stored FOLDER", or "known FOLDER" of an
/// image that was there, "refused STATUS", and at the end "association ended|broken|rejected ..."
/// for its audit trail. Returns the exit code.
int receive_association(ReceptionOptions const& options);

}  // namespace chistream::gateway
