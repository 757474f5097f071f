/// One WriteChunks stream: chunks up within the credit, durable offsets down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "qsm/v1/upload.grpc.pb.h"

namespace chistream {

/// Sends `bytes` from upload.durable_offset() to the end and returns when the server has all of
/// them on disk. Goes back to the durable offset when the server asks for a chunk again. `durable`
/// is called, on another thread, with every acknowledged offset. Throws RpcError when the stream
/// breaks.
void send_chunks(qsm::v1::UploadService::Stub& uploads, qsm::v1::Upload const& upload,
                 std::span<std::byte const> bytes,
                 std::function<void(std::uint64_t)> const& durable);

}  // namespace chistream
