#include "daemon/server.hpp"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <set>

#include "daemon/listen_rules.hpp"
#include "schedule/slurm_pool.hpp"
#include "schedule/worker_pool.hpp"
#include "store/request_error.hpp"

namespace chistream {
namespace {

using std::chrono::milliseconds;

constexpr int kSecond = 1000;

milliseconds seconds(double s) {
  return milliseconds(static_cast<long>(1000 * s));
}

SchedulePolicy policy_of(DaemonOptions const& options) {
  // A Slurm that a worker was taken from needs longer to say so than the parent of a process.
  return {.aging = seconds(options.aging_s),
          .after_heartbeat = seconds(options.executor == "slurm" ? 15 : 1),
          .stage_deadline = seconds(options.stage_timeout_s)};
}

// Files that the journal does not know are from a write that was never acknowledged.
Journal& recovered(Spool& spool, Journal& journal) {
  std::set<std::string> uploads;
  for (UploadRecord const& record : journal.uploads())
    if (record.upload.state() == qsm::v1::UPLOAD_STATE_OPEN ||
        record.upload.state() == qsm::v1::UPLOAD_STATE_COMMITTED)
      uploads.insert(record.upload.upload_id());
  auto const succeeded = journal.jobs_with_result();
  spool.recover(uploads, {succeeded.begin(), succeeded.end()});
  sync_directory(spool.root());
  return journal;
}

// A dead peer is noticed within 40 s even where the network tells nothing.
void keep_alive(grpc::ServerBuilder& builder, int every_ms) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, every_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two daemons, one port: refuse
}

}  // namespace

Server::Server(DaemonOptions const& options, std::function<DaemonOptions()> reread)
    : spool_(options.spool),
      journal_(spool_.journal()),
      options_(options),
      audit_(options.audit_file.empty() ? spool_.root() / "audit.jsonl" : options.audit_file),
      callers_(options.access_file),
      retention_(journal_, spool_,
                 {.results = std::chrono::hours(options.keep_results_h),
                  .exams = std::chrono::hours(options.keep_exams_h)}),
      gate_(callers_, audit_, metrics_, journal_),
      quota_(callers_, journal_),
      worker_(choose_worker(options.device, options.worker_dir, options.executor == "slurm")),
      queue_(recovered(spool_, journal_), spool_, policy_of(options)),
      admission_(spool_, queue_, audit_, options.reserve_mib << 20),
      worker_service_(queue_, spool_, tokens_),
      upload_service_(options, gate_, quota_, admission_, metrics_, journal_, spool_,
                      Inspector(worker_.program, seconds(options.inspect_timeout_s))),
      job_service_(gate_, quota_, journal_, spool_, queue_, worker_),
      result_service_(gate_, journal_, spool_, retention_),
      reread_(std::move(reread)) {
  require_protection(options);
  grpc::EnableDefaultHealthCheckService(true);
  // What the server offers is nobody's business who is not known.
  if (options.access_file.empty()) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  if (!options.tls.certificate.empty()) tls_.emplace(options.tls, spool_.root() / "run" / "tls");
  queue_.fail_what_never_fits(worker_.largest_device_bytes());
  listen_to_workers();
  workers_ = make_executor();
  admin_service_ = std::make_unique<AdminService>(
      gate_, audit_, journal_, spool_, queue_, *workers_,
      ServerControls{.set_draining = [this](bool on) { set_draining(on); },
                     .draining = [this] { return queue_.draining(); },
                     .reload = [this] { return reload(); }});
  queue_.on_end([this](qsm::v1::Job const& job) { metrics_.job_ended(job); });
  try {
    listen_to_clients(options);
    if (!options.metrics.empty())
      http_ = std::make_unique<HttpServer>(
          options.metrics, HttpAnswers{.not_ready = [this] { return admission_.not_ready(); },
                                       .metrics = [this] { return metrics_text(); }});
  } catch (...) {
    stop();  // the destructor does not run
    throw;
  }
  if (http_)
    spdlog::info("metrics on {}:{}", options.metrics.substr(0, options.metrics.rfind(':')),
                 http_->port());
  keep_trace("server started");
  queue_tick_ = std::make_unique<Periodic>(milliseconds(50), [this] { queue_.tick(); });
  retaining_ = std::make_unique<Periodic>(seconds(options.retention_s), [this] {
    if (clock_.trusted()) retention_.run(std::chrono::system_clock::now());
  });
  housekeeping_ = std::make_unique<Periodic>(milliseconds(2000), [this] { keep_house(); });
  spdlog::info("listening on {}, spool {}, worker {} on {}", address_, spool_.root().string(),
               worker_.program.string(),
               options.executor == "slurm" ? "Slurm" : worker_.catalogue.devices(0).name());
}

std::unique_ptr<Executor> Server::make_executor() {
  std::string const socket = spool_.worker_socket().string();
  if (options_.executor == "slurm") {
    bool const here = options_.worker_listen.empty();
    return std::make_unique<SlurmPool>(
        SlurmOptions{.program = worker_.program.string(),
                     .folder = spool_.root() / "run",
                     .address = here ? "unix:" + socket : worker_address_,
                     .server_ca = options_.worker_ca,
                     .instance = spool_.instance(),
                     .window = options_.slurm_window,
                     .idle_exit_s = options_.slurm_idle_exit_s,
                     .sbatch = options_.sbatch,
                     .cancel_grace = seconds(options_.cancel_grace_s)},
        queue_, tokens_);
  }
  return std::make_unique<WorkerPool>(PoolOptions{.worker = worker_,
                                                  .socket = socket,
                                                  .workers = options_.workers,
                                                  .threads = options_.threads,
                                                  .cancel_grace = seconds(options_.cancel_grace_s)},
                                      queue_);
}

void Server::listen_to_workers() {
  std::string const path = spool_.worker_socket().string();
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    throw RequestError(grpc::FAILED_PRECONDITION, "SOCKET_PATH_TOO_LONG",
                       path + " has more than " +
                           std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " characters",
                       "choose a spool with a shorter path");
  grpc::ServerBuilder builder;
  keep_alive(builder, 10 * kSecond);
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  int port = 0;
  if (!options_.worker_listen.empty())
    builder.AddListeningPort(options_.worker_listen, tls_->credentials(ClientCertificate::kNone),
                             &port);
  builder.RegisterService(&worker_service_);
  worker_server_ = builder.BuildAndStart();
  // The directory lets nobody else in, so the socket was never open to others.
  if (!worker_server_ || ::chmod(path.c_str(), 0600) != 0)
    throw RequestError(grpc::FAILED_PRECONDITION, "CANNOT_LISTEN", "cannot listen on " + path);
  if (options_.worker_listen.empty()) return;
  if (port == 0)
    throw RequestError(grpc::FAILED_PRECONDITION, "CANNOT_LISTEN",
                       "cannot listen on " + options_.worker_listen + "; is it in use?");
  spdlog::info("workers on other machines come to port {}", port);
  worker_address_ = options_.worker_name + ":" + std::to_string(port);
}

void Server::listen_to_clients(DaemonOptions const& options) {
  std::string const& address = options.listen;
  grpc::ServerBuilder builder;
  keep_alive(builder, 30 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 32);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 30 * 60 * kSecond);  // new keys count
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 24 * 3600 * kSecond);
  // A chunk in one frame and few reads, instead of 64 frames and 128 reads of 8 KiB.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);
  builder.AddChannelArgument(GRPC_ARG_TCP_READ_CHUNK_SIZE, 1 << 18);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 1 << 20);
  grpc::ResourceQuota quota("clients");
  quota.Resize(512u << 20);  // bytes of messages under way
  builder.SetResourceQuota(quota);
  int port = 0;
  builder.AddListeningPort(address,
                           tls_ ? tls_->credentials(ClientCertificate::kAsConfigured)
                                : grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&upload_service_);
  builder.RegisterService(&job_service_);
  builder.RegisterService(&result_service_);
  builder.RegisterService(admin_service_.get());
  client_server_ = builder.BuildAndStart();
  if (!client_server_ || port == 0)
    throw RequestError(grpc::FAILED_PRECONDITION, "CANNOT_LISTEN",
                       "cannot listen on " + address + "; is it in use?");
  bool const is_unix = address.starts_with("unix:");
  address_ = is_unix ? address : address.substr(0, address.rfind(':') + 1) + std::to_string(port);
  set_serving(true);
}

void Server::set_serving(bool serving) {
  if (!client_server_ || !client_server_->GetHealthCheckService()) return;
  client_server_->GetHealthCheckService()->SetServingStatus(serving);
  for (char const* name :
       {"qsm.v1.UploadService", "qsm.v1.JobService", "qsm.v1.ResultService", "qsm.v1.AdminService"})
    client_server_->GetHealthCheckService()->SetServingStatus(name, serving);
}

void Server::set_draining(bool draining) {
  queue_.set_draining(draining);
  set_serving(!draining);
  spdlog::info(draining ? "draining: nothing new begins" : "takes up work again");
}

std::vector<std::string> Server::reload() {
  std::scoped_lock const lock(reloading_);
  DaemonOptions fresh = reread_ ? reread_() : options_;
  DaemonOptions same = fresh;
  same.log_level = options_.log_level;
  same.reserve_mib = options_.reserve_mib;
  same.drain_s = options_.drain_s;
  if (same != options_)
    throw RequestError(grpc::FAILED_PRECONDITION, "CONFIG_NEEDS_RESTART",
                       "an option has changed that only a start takes up",
                       "log-level, reserve-mib, drain-s and the access file's content can change "
                       "while the server runs");
  callers_.reload();  // the last that can fail
  std::vector<std::string> changed;
  if (fresh.log_level != options_.log_level) changed.push_back("log-level");
  if (fresh.reserve_mib != options_.reserve_mib) changed.push_back("reserve-mib");
  if (fresh.drain_s != options_.drain_s) changed.push_back("drain-s");
  spdlog::set_level(spdlog::level::from_str(fresh.log_level));
  admission_.set_reserve(fresh.reserve_mib << 20);
  options_ = fresh;
  spdlog::info("configuration and access file read again");
  return changed;
}

std::string Server::metrics_text() {
  std::scoped_lock const one_at_a_time(measuring_);
  JobQueue::Load load = queue_.load();
  for (std::string const& device : devices_seen_) load.reserved_bytes.try_emplace(device, 0);
  for (auto const& [priority, count] : load.queued)
    metrics_.set("chistream_jobs_queued", "Jobs that wait, by class",
                 {{"class", qsm::v1::Priority_Name(priority).substr(9)}}, count);
  metrics_.set("chistream_oldest_wait_seconds", "Of the job that waits longest", {},
               load.oldest_wait_s);
  metrics_.set("chistream_jobs_running", "Jobs that run", {}, queue_.counts().running);
  for (auto const& [device, bytes] : load.reserved_bytes) {
    devices_seen_.insert(device);
    metrics_.set("chistream_device_reserved_bytes", "Estimated memory of what runs, by device",
                 {{"device", device}}, static_cast<double>(bytes));
  }
  for (auto const& worker : workers_->status())
    if (options_.executor == "local")
      metrics_.set("chistream_worker_restarts", "Of the process in this place",
                   {{"place", worker.worker_id().substr(0, worker.worker_id().find('.'))}},
                   worker.restarts());
  metrics_.set("chistream_spool_free_bytes", "Free on the spool's disk", {},
               static_cast<double>(spool_.free_bytes()));
  metrics_.set("chistream_audit_waiting_lines", "Audit lines that the disk did not take", {},
               static_cast<double>(audit_.waiting()));
  metrics_.set("chistream_draining", "1: nothing new begins", {}, queue_.draining());
  if (tls_)
    metrics_.set("chistream_certificate_days", "Until the server's certificate expires", {},
                 tls_->days_left());
  return metrics_.text();
}

void Server::keep_trace(std::string const& action) {
  audit_.record({.event = AuditEvent::kApplicationActivity,
                 .action = action,
                 .caller = "chistreamd",
                 .object = std::string("version ") + CHISTREAM_VERSION});
}

void Server::keep_house() {
  if (tls_) tls_->refresh();
}

void Server::stop() {
  if (queue_tick_) keep_trace("server stopped");  // once, and only if it had started
  queue_tick_.reset();
  housekeeping_.reset();
  retaining_.reset();
  http_.reset();
  auto const soon = [] { return std::chrono::system_clock::now() + seconds(1); };
  if (client_server_ && client_server_->GetHealthCheckService())
    client_server_->GetHealthCheckService()->Shutdown();
  queue_.stop();
  if (client_server_) client_server_->Shutdown(soon());
  if (workers_) workers_->stop();
  if (worker_server_) worker_server_->Shutdown(soon());
}

}  // namespace chistream
