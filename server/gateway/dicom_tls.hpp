/// DICOM over TLS: the non-downgrading BCP 195 profile (PS3.15 B.10), certificates required on both
/// sides.
#pragma once

#include <dcmtk/dcmnet/assoc.h>

#include <memory>
#include <string>

#include "gateway/settings.hpp"

class DcmTransportLayer;

namespace chistream::gateway {

/// Throws FormatError TLS_FILES naming the file that does not serve.
std::unique_ptr<DcmTransportLayer> make_tls(TlsFiles const& files, T_ASC_NetworkRole role);

/// The common name of the peer's certificate; "" without TLS.
std::string peer_certificate(T_ASC_Association* association);

}  // namespace chistream::gateway
