/// Syncs an upload beside the thread that receives it, and tells the client how far it got.
///
/// A sync costs some ms, so it is made for many chunks at once: after kBatchBytes, after half of
/// the client's credit, when nothing was synced for kLongestDelay, and at the end of the stream.
#pragma once

#include <grpcpp/support/sync_stream.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "daemon/open_upload.hpp"
#include "qsm/v1/upload.pb.h"

namespace chistream {

class AckWriter {
 public:
  using Stream = grpc::ServerReaderWriter<qsm::v1::ChunkAck, qsm::v1::ChunkRequest>;

  /// Sends a first ack at once: where to go on. `stream` is written by this object alone.
  AckWriter(OpenUpload& upload, Stream& stream, std::uint64_t credit_bytes);
  ~AckWriter();

  /// To be told of each chunk. Throws what syncing threw.
  void taken(OpenUpload::Taken taken);

  /// The last sync and the last ack. Throws what syncing threw.
  void finish();

 private:
  void run();
  void acknowledge(bool resend);
  void stop();

  OpenUpload& upload_;
  Stream& stream_;
  std::uint64_t const credit_bytes_;
  std::uint64_t const batch_bytes_;

  std::mutex mutex_;  // guards what follows; nothing else is taken under it
  std::condition_variable wake_;
  std::uint64_t waiting_bytes_ = 0;  // received, not yet durable
  bool resend_ = false;
  bool ended_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace chistream
