#include "worker/heartbeat.hpp"

#include <chrono>

namespace chistream {

namespace {

using namespace std::chrono_literals;
constexpr auto kShortestPause = 100ms;
constexpr auto kLongestPause = 1s;

}  // namespace

Heartbeat::Heartbeat(qsm::v1::WorkerService::Stub& stub, qsm::v1::TaskClaim const& claim) {
  *report_.mutable_claim() = claim;
  stream_ = stub.Heartbeat(&context_);
  reader_ = std::jthread([this] { read_orders(); });
  sender_ = std::jthread([this](std::stop_token closing) { send_reports(closing); });
}

Heartbeat::~Heartbeat() {
  sender_.request_stop();
  sender_.join();
  stream_->WritesDone();
  reader_.join();
  stream_->Finish();  // whatever it says, Finish() of the claim said it before
}

void Heartbeat::report(qsm::v1::Progress const& progress) {
  std::scoped_lock const lock(mutex_);
  *report_.mutable_progress() = progress;
  changed_ = true;
  wake_.notify_one();
}

void Heartbeat::send_reports(std::stop_token closing) {
  for (;;) {
    qsm::v1::TaskReport report;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, closing, kLongestPause, [this] { return changed_; });
      if (closing.stop_requested()) return;
      changed_ = false;
      report = report_;
    }
    if (!stream_->Write(report)) return;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, closing, kShortestPause, [] { return false; });
  }
}

void Heartbeat::read_orders() {
  qsm::v1::TaskOrder order;
  while (stream_->Read(&order))
    if (order.cancel()) stop_.request_stop();
  stop_.request_stop();
}

}  // namespace chistream
