#include "daemon/ack_writer.hpp"

#include <algorithm>
#include <chrono>

namespace chistream {
namespace {

constexpr std::uint64_t kBatchBytes = 16u << 20;
constexpr std::chrono::milliseconds kLongestDelay{50};

}  // namespace

AckWriter::AckWriter(OpenUpload& upload, Stream& stream, std::uint64_t credit_bytes)
    : upload_(upload),
      stream_(stream),
      credit_bytes_(credit_bytes),
      batch_bytes_(std::min(kBatchBytes, credit_bytes / 2)) {
  acknowledge(false);
  thread_ = std::thread([this] { run(); });
}

AckWriter::~AckWriter() {
  stop();
  try {
    upload_.sync();  // the stream failed; what came is kept all the same
  } catch (...) {    // and if it cannot be, the durable offset says so
  }
}

void AckWriter::taken(OpenUpload::Taken taken) {
  std::uint64_t const waiting = upload_.received() - upload_.durable();
  std::scoped_lock const lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  waiting_bytes_ = waiting;
  resend_ = resend_ || taken == OpenUpload::Taken::kResend;
  if (resend_ || waiting_bytes_ > 0) wake_.notify_one();
}

void AckWriter::finish() {
  stop();
  if (failure_) std::rethrow_exception(failure_);
  upload_.sync();
  acknowledge(false);
}

void AckWriter::stop() {
  {
    std::scoped_lock const lock(mutex_);
    ended_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void AckWriter::run() {
  std::unique_lock lock(mutex_);
  while (!ended_ && !failure_) {
    wake_.wait(lock, [&] { return ended_ || resend_ || waiting_bytes_ > 0; });
    wake_.wait_for(lock, kLongestDelay,
                   [&] { return ended_ || resend_ || waiting_bytes_ >= batch_bytes_; });
    if (ended_) return;
    bool const resend = std::exchange(resend_, false);
    waiting_bytes_ = 0;
    lock.unlock();
    std::exception_ptr failure;
    try {
      upload_.sync();
      acknowledge(resend);
    } catch (...) {
      // The receiving thread hears of it with the next chunk: this makes the client send one.
      failure = std::current_exception();
      acknowledge(true);
    }
    lock.lock();
    failure_ = failure;
  }
}

void AckWriter::acknowledge(bool resend) {
  qsm::v1::ChunkAck ack;
  ack.set_durable_offset(upload_.durable());
  ack.set_credit_bytes(credit_bytes_);
  ack.set_resend(resend);
  stream_.Write(ack);
}

}  // namespace chistream
