#include "gateway/serve.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>

#include <iostream>
#include <iterator>
#include <sstream>

#include "channel/loopback.hpp"
#include "formats/format_error.hpp"
#include "gateway/delivery/delivery_queue.hpp"
#include "gateway/delivery/stow_client.hpp"
#include "gateway/dicom_service.hpp"
#include "gateway/dicom_tls.hpp"
#include "gateway/exams/exam_desk.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/reception/listener.hpp"
#include "monitoring/http_server.hpp"
#include "security/audit.hpp"
#include "store/file.hpp"
#include "store/timestamp.hpp"

namespace chistream::gateway {

namespace {

/// One gateway per state folder.
File lock(std::filesystem::path const& state) {
  std::filesystem::create_directories(state);
  File file(state / "lock", O_RDWR | O_CREAT);
  if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0)
    throw FormatError("STATE_IN_USE", "another gateway uses " + state.string());
  return file;
}

std::unique_ptr<grpc::Server> start_service(DicomService& service, std::string const& address) {
  if (!qsm::channel::is_loopback(address))
    throw FormatError("LISTEN_NOT_LOCAL", address + " is not on this machine",
                      "deliveries are managed from the gateway's own machine");
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  auto server = builder.BuildAndStart();
  if (!server) throw FormatError("LISTEN_FAILED", "cannot listen on " + address);
  return server;
}

/// Who is told what a process says that holds a connection.
struct Hearers {
  ExamDesk& desk;
  DeliveryQueue& deliveries;
  GatewayMetrics& metrics;
  Audit& audit;
};

/// "ended", "broken" or "rejected", then peer, AE title, what came of it and why: tabs between.
void keep_trace(std::string const& how, std::istream& words, Audit& audit) {
  AuditRecord record{.event = AuditEvent::kInstancesTransferred, .action = "association"};
  if (how == "broken") record.outcome = AuditOutcome::kFailed;
  if (how == "rejected") {
    record.event = AuditEvent::kUserAuthentication;
    record.outcome = AuditOutcome::kRefused;
  }
  std::getline(words, record.peer, '\t');
  std::getline(words, record.caller, '\t');
  std::getline(words, record.object, '\t');
  std::getline(words, record.reason);
  audit.record(record);
}

/// "stored FOLDER", "known FOLDER", "refused STATUS", "captured UPLOAD FILE", "committed
/// TRANSACTION FAILED_INSTANCE...", "association HOW ..."
void hear(std::string const& line, Hearers const& hearers) try {
  std::istringstream words(line);
  std::string what, first;
  words >> what >> std::ws;
  if (what == "committed") {
    words >> first;
    hearers.deliveries.committed(first, {std::istream_iterator<std::string>(words), {}});
    return;
  }
  if (what == "captured") {
    std::string file;
    words >> first >> std::ws;
    std::getline(words, file);
    return hearers.desk.captured(file, first == "-" ? "" : first);
  }
  if (what == "association") {
    words >> first >> std::ws;
    return keep_trace(first, words, hearers.audit);
  }
  std::getline(words, first);
  if (what == "refused") return hearers.metrics.image_refused(first);
  if (what == "stored") hearers.metrics.image_stored();
  if (what == "stored" || what == "known") hearers.desk.stored(first);
} catch (std::exception const& error) {
  // What it is about is on disk, and found again at the next start at the latest.
  spdlog::error("{}: {}", line, error.what());
}

std::vector<Port> ports_of(Settings const& settings, ServeOptions const& options) {
  std::string const config = std::filesystem::absolute(options.config);
  std::string const state = std::filesystem::absolute(options.state);
  std::vector<Port> ports;
  for (std::size_t i = 0; i < settings.listen.size(); ++i)
    ports.push_back(
        {settings.listen[i],
         {"receive", "--config", config, "--state", state, "--listener", std::to_string(i)}});
  for (std::size_t i = 0; i < settings.consoles.size(); ++i)
    ports.push_back({settings.consoles[i].listen,
                     {"console", "--config", config, "--state", state, "--console",
                      std::to_string(i), "--service", options.listen}});
  return ports;
}

}  // namespace

int serve(ServeOptions const& options) {
  // Blocked in every thread, so that sigwait below is where they arrive.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  Settings const settings = Settings::read(options.config);
  for (auto const& listen : settings.listen)
    if (listen.tls)
      make_tls(*listen.tls, NET_ACCEPTOR);  // now rather than at the first association
  auto const state = std::filesystem::absolute(options.state);
  File const lock_file = lock(state);
  Inbox const inbox(state);
  inbox.clear_incoming();
  GatewayJournal journal(state / "gateway.db");
  Audit audit(state / "audit.jsonl");
  auto const keep_activity = [&](char const* what) {
    audit.record(
        {.event = AuditEvent::kApplicationActivity, .action = what, .caller = "chistream-gateway"});
  };
  NodeCalls const calls{
      .send =
          [&](NodeSettings const& node, auto const& instances, auto const& answered) {
            if (node.url.empty())
              store_instances(node, settings.ae_title, instances, answered);
            else
              stow_instances(node, instances, answered);
          },
      .request_commitment =
          [&](NodeSettings const& node, std::string const& uid, auto const& instances) {
            request_commitment(node, settings.ae_title, uid, instances);
          }};
  DeliveryQueue deliveries(journal, audit, settings, state, calls,
                           [] { return to_ms(timestamp_now()); });
  ExamDesk desk(settings, state, journal, audit, deliveries,
                [&](qsm::v1::ReceivedExam const& exam, auto const& job_known) {
                  return run_exam(settings, state, exam, job_known);
                });
  deliveries.start();
  DicomService service(settings, journal, desk, deliveries);
  auto const server = start_service(service, options.listen);
  GatewayMetrics metrics(settings, inbox, journal, audit, desk);
  Hearers const hearers{desk, deliveries, metrics, audit};
  Listener const listener(ports_of(settings, options), settings.associations,
                          [&](std::string const& line) { hear(line, hearers); });
  std::optional<HttpServer> http;
  if (!options.metrics.empty())
    http.emplace(options.metrics,
                 HttpAnswers{.not_ready = [&] { return metrics.not_ready(); },
                             .metrics = [&] { return metrics.text(listener.connections()); }});
  keep_activity("gateway started");
  std::cout << "chistream-gateway listening on " << options.listen;
  for (auto const& address : listener.addresses()) std::cout << ", " << address;
  if (http) std::cout << ", metrics on port " << http->port();
  std::cout << std::endl;
  int received = 0;
  ::sigwait(&signals, &received);
  spdlog::info("stopping on signal {}", received);
  server->Shutdown(std::chrono::system_clock::now());
  keep_activity("gateway stopped");
  std::cout.flush();
  // Exams that are with the daemon, and deliveries under way, go on where they are when the gateway
  // is back: waiting for them here could take hours.
  ::_exit(0);
}

}  // namespace chistream::gateway
