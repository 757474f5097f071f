/// One WriteChunks stream: chunks up within the credit, durable offsets down.
#pragma once

#include <cstdint>
#include <functional>

#include "formats/growing_file.hpp"
#include "qsm/v1/upload.grpc.pb.h"

namespace chistream {

/// Sends `file` from upload.durable_offset() to the end, which may still have to be written, and
/// returns when the server has all of it on disk. Goes back to the durable offset when the server
/// asks for a chunk again. `durable` is called, on another thread, with every acknowledged offset.
/// Throws RpcError when the stream breaks, and as GrowingFile::read() does.
void send_chunks(qsm::v1::UploadService::Stub& uploads, qsm::v1::Upload const& upload,
                 GrowingFile const& file, std::function<void(std::uint64_t)> const& durable);

}  // namespace chistream
