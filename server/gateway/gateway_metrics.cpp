#include "gateway/gateway_metrics.hpp"

#include <prometheus/gauge.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>

#include "security/tls.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream::gateway {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;

void add_gauge(prometheus::Registry& now, char const* name, char const* help, double value) {
  BuildGauge().Name(name).Help(help).Register(now).Add({}).Set(value);
}

double seconds_since(std::int64_t ms) {
  return std::max(0.0, static_cast<double>(to_ms(timestamp_now()) - ms) / 1e3);
}

std::string name_of(qsm::v1::ExamState state) {
  return qsm::v1::ExamState_Name(state).substr(std::string("EXAM_STATE_").size());
}

std::string name_of(qsm::v1::DeliveryState state) {
  return qsm::v1::DeliveryState_Name(state).substr(std::string("DELIVERY_STATE_").size());
}

void add_exams(prometheus::Registry& now, GatewayJournal& journal, ExamDesk& desk) {
  auto& exams = BuildGauge()
                    .Name("chistream_gateway_exams")
                    .Help("Exams that are not done, by state, and why they failed")
                    .Register(now);
  for (auto const state : {qsm::v1::EXAM_STATE_RECEIVING, qsm::v1::EXAM_STATE_WAITING_INPUT,
                           qsm::v1::EXAM_STATE_RECONSTRUCTING})
    exams.Add({{"state", name_of(state)}, {"reason", ""}});
  double longest = 0;
  auto const count = [&](qsm::v1::ReceivedExam const& exam) {
    exams.Add({{"state", name_of(exam.state())}, {"reason", exam.error().reason()}}).Increment();
  };
  for (auto const& exam : desk.arriving()) count(exam);
  for (auto const& exam : journal.exams(qsm::v1::EXAM_STATE_RECONSTRUCTING)) {
    count(exam);
    longest = std::max(longest, seconds_since(to_ms(exam.started_at())));
  }
  for (auto const& exam : journal.exams(qsm::v1::EXAM_STATE_FAILED))
    if (exam.superseded_by().empty()) count(exam);
  add_gauge(now, "chistream_gateway_oldest_exam_seconds",
            "Since the exam began that is with the daemon for longest", longest);
}

void add_deliveries(prometheus::Registry& now, Settings const& settings, GatewayJournal& journal) {
  auto& deliveries = BuildGauge()
                         .Name("chistream_gateway_deliveries")
                         .Help("Deliveries by node and state, until their exam is forgotten")
                         .Register(now);
  auto& oldest = BuildGauge()
                     .Name("chistream_gateway_oldest_delivery_seconds")
                     .Help("Age of what a node has not yet, by node")
                     .Register(now);
  for (auto const& [node, unused] : settings.nodes) {
    deliveries.Add({{"node", node}, {"state", name_of(qsm::v1::DELIVERY_STATE_QUEUED)}});
    oldest.Add({{"node", node}});
  }
  for (auto const& [node, state, count, created_ms] : journal.delivery_counts()) {
    deliveries.Add({{"node", node}, {"state", name_of(state)}}).Set(static_cast<double>(count));
    if (state == qsm::v1::DELIVERY_STATE_DELIVERED || state == qsm::v1::DELIVERY_STATE_FAILED)
      continue;
    auto& age = oldest.Add({{"node", node}});
    age.Set(std::max(age.Value(), seconds_since(created_ms)));
  }
}

/// One that cannot be read counts as expired: connections fail as well.
double days_of(std::filesystem::path const& certificate) try {
  return certificate_days(certificate);
} catch (RequestError const&) {
  return 0;
}

void add_certificates(prometheus::Registry& now, Settings const& settings) {
  auto& days = BuildGauge()
                   .Name("chistream_gateway_certificate_days")
                   .Help("Until a certificate of ours expires, by port or node")
                   .Register(now);
  auto const add = [&](std::string const& of, std::optional<TlsFiles> const& tls) {
    if (tls && !tls->certificate.empty()) days.Add({{"of", of}}).Set(days_of(tls->certificate));
  };
  for (auto const& listen : settings.listen) add("port " + std::to_string(listen.port), listen.tls);
  for (auto const& [name, node] : settings.nodes) add(name, node.tls);
}

}  // namespace

GatewayMetrics::GatewayMetrics(Settings const& settings, Inbox const& inbox,
                               GatewayJournal& journal, Audit const& audit, ExamDesk& desk)
    : settings_(settings),
      inbox_(inbox),
      journal_(journal),
      audit_(audit),
      desk_(desk),
      stored_(BuildCounter()
                  .Name("chistream_gateway_images_total")
                  .Help("New images that were answered with success")
                  .Register(counters_)
                  .Add({})),
      refused_(BuildCounter()
                   .Name("chistream_gateway_images_refused_total")
                   .Help("Images that were answered with another status")
                   .Register(counters_)) {}

std::string GatewayMetrics::text(std::size_t connections) const {
  prometheus::Registry now;
  add_exams(now, journal_, desk_);
  add_deliveries(now, settings_, journal_);
  add_certificates(now, settings_);
  add_gauge(now, "chistream_gateway_connections", "Associations and consoles",
            static_cast<double>(connections));
  add_gauge(now, "chistream_gateway_disk_used_ratio", "Of the disk with images and results",
            inbox_.fullness());
  add_gauge(now, "chistream_gateway_audit_waiting_lines", "Audit lines that the disk did not take",
            static_cast<double>(audit_.waiting()));
  auto families = counters_.Collect();
  std::ranges::move(now.Collect(), std::back_inserter(families));
  return prometheus::TextSerializer().Serialize(families);
}

std::string GatewayMetrics::not_ready() const {
  if (audit_.waiting() > 0) return "the audit trail cannot be written";
  return inbox_.fullness() < settings_.full ? "" : "the disk is full: images are refused";
}

}  // namespace chistream::gateway
