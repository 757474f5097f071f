/// What the server counts, in Prometheus' form. No label holds anything of a patient, nor an id.
#pragma once

#include <grpcpp/support/status.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <string>
#include <string_view>

#include "qsm/v1/job.pb.h"

namespace chistream {

/// Thread-safe.
class Metrics {
 public:
  Metrics();

  void call_ended(std::string_view method, grpc::Status const& status,
                  std::chrono::duration<double> took);
  void job_ended(qsm::v1::Job const& job);
  void bytes_uploaded(std::uint64_t bytes) { uploaded_.Increment(static_cast<double>(bytes)); }
  void chunk_damaged() { damaged_.Increment(); }

  /// Sets a gauge that is read when it is asked for: queue, disk, certificate.
  void set(std::string const& name, std::string const& help, prometheus::Labels const& labels,
           double value);

  /// The text of /metrics.
  std::string text() const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& calls_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Family<prometheus::Counter>& jobs_;
  prometheus::Family<prometheus::Histogram>& stages_;
  prometheus::Histogram& memory_;
  prometheus::Counter& uploaded_;
  prometheus::Counter& damaged_;
  prometheus::Family<prometheus::Counter>& refused_;
};

}  // namespace chistream
