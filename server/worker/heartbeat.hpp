/// The stream that keeps a claim alive: progress up, cancellation down.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "qsm/v1/worker.grpc.pb.h"

namespace chistream {

/// Opens with the constructor; the destructor ends it, which must be after Finish(), because the
/// daemon gives a claim up when its stream ends. report() may be called from any thread; at most
/// ten reports a second are sent, the latest each time, and one a second where nothing changes.
class Heartbeat {
 public:
  Heartbeat(qsm::v1::WorkerService::Stub& stub, qsm::v1::TaskClaim const& claim);
  ~Heartbeat();
  Heartbeat(Heartbeat const&) = delete;

  void report(qsm::v1::Progress const& progress);

  /// Stopped when the daemon orders it, and when it ends the stream: nobody waits for the result.
  std::stop_token stop_token() const { return stop_.get_token(); }

 private:
  void send_reports(std::stop_token closing);
  void read_orders();

  std::stop_source stop_;
  std::mutex mutex_;  // guards report_ and changed_
  std::condition_variable_any wake_;
  qsm::v1::TaskReport report_;
  bool changed_ = true;

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<qsm::v1::TaskReport, qsm::v1::TaskOrder>> stream_;
  std::jthread reader_;  // last: they use all of the above
  std::jthread sender_;
};

}  // namespace chistream
