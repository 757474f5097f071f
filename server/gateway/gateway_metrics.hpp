/// What the gateway shows in Prometheus' form. No label holds anything of a patient, nor an id.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <string>

#include "gateway/exams/exam_desk.hpp"

namespace chistream::gateway {

/// Thread-safe.
class GatewayMetrics {
 public:
  GatewayMetrics(Settings const& settings, Inbox const& inbox, GatewayJournal& journal,
                 Audit const& audit, ExamDesk& desk);

  void image_stored() { stored_.Increment(); }

  /// With this status of C-STORE, "A700".
  void image_refused(std::string const& status) { refused_.Add({{"status", status}}).Increment(); }

  /// The text of /metrics. What is no counter is asked for now, so that nothing shown is old.
  std::string text(std::size_t connections) const;

  /// Why no image is taken, or no trace of it kept; empty: all is well.
  std::string not_ready() const;

 private:
  Settings const& settings_;
  Inbox const& inbox_;
  GatewayJournal& journal_;
  Audit const& audit_;
  ExamDesk& desk_;
  prometheus::Registry counters_;
  prometheus::Counter& stored_;
  prometheus::Family<prometheus::Counter>& refused_;
};

}  // namespace chistream::gateway
