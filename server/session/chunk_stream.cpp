#include "session/chunk_stream.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "container/framing.hpp"
#include "session/connection.hpp"

namespace chistream {

namespace {

using Stream = grpc::ClientReaderWriter<qsm::v1::ChunkRequest, qsm::v1::ChunkAck>;

/// What the server has said so far; filled by the reading thread.
class Acknowledged {
 public:
  explicit Acknowledged(qsm::v1::Upload const& upload)
      : durable_(upload.durable_offset()), credit_(upload.credit_bytes()) {}

  void read(Stream& stream, std::function<void(std::uint64_t)> const& report) {
    qsm::v1::ChunkAck ack;
    while (stream.Read(&ack)) {
      {
        std::scoped_lock const lock(mutex_);
        durable_ = ack.durable_offset();
        credit_ = ack.credit_bytes();
        rewind_ = rewind_ || ack.resend();
      }
      changed_.notify_one();
      report(ack.durable_offset());
    }
    std::scoped_lock const lock(mutex_);
    ended_ = true;
    changed_.notify_one();
  }

  /// Waits until the chunk at `offset` may be sent, and puts `offset` back where the server asks
  /// for it. An empty chunk is the end of the data: waits for the server to have it all. False once
  /// the stream ended.
  bool wait(std::uint64_t& offset, std::uint64_t chunk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return ended_ || rewind_ ||
             (chunk == 0 ? durable_ == offset : offset + chunk <= durable_ + credit_);
    });
    if (rewind_) offset = durable_;
    rewind_ = false;
    return !ended_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t durable_;
  std::uint64_t credit_;
  bool rewind_ = false;
  bool ended_ = false;
};

}  // namespace

void send_chunks(qsm::v1::UploadService::Stub& uploads, qsm::v1::Upload const& upload,
                 GrowingFile const& file, std::function<void(std::uint64_t)> const& durable) {
  grpc::ClientContext context;
  auto const stream = uploads.WriteChunks(&context);
  Acknowledged acknowledged(upload);
  std::jthread reader([&] { acknowledged.read(*stream, durable); });
  // A credit below the chunk size would never let a full chunk go.
  std::uint64_t const largest = std::min<std::uint64_t>(
      upload.max_chunk_bytes(), std::max<std::uint64_t>(upload.credit_bytes(), 1));
  std::uint64_t offset = upload.durable_offset();
  qsm::v1::ChunkRequest chunk;
  chunk.set_upload_id(upload.upload_id());  // in the first message alone
  try {
    for (;;) {
      std::string& data = *chunk.mutable_data();
      data.resize(largest);
      data.resize(file.read(offset, std::as_writable_bytes(std::span(data))));
      std::uint64_t const before = offset;
      if (!acknowledged.wait(offset, data.size())) break;
      if (offset != before) continue;
      if (data.empty()) break;
      chunk.set_offset(offset);
      chunk.set_crc32c(qsm::container::crc32c(std::as_bytes(std::span(data))));
      if (!stream->Write(chunk)) break;
      chunk.clear_upload_id();
      offset += data.size();
    }
  } catch (...) {
    context.TryCancel();  // else the reader would wait for a server that waits for us
    throw;
  }
  stream->WritesDone();
  reader.join();
  check(stream->Finish());
}

}  // namespace chistream
