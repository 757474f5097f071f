// `serve`: claims jobs from the daemon, one after another, until the daemon goes away. The device's
// context and memory stay warm in between.
#include <algorithm>
#include <chrono>
#include <iostream>

#include "channel/channel.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/confine.hpp"
#include "worker/task.hpp"

namespace chistream {

namespace {

constexpr double kClaimWaitSeconds = 20;
constexpr std::chrono::seconds kClaimDeadline{30};
constexpr std::chrono::seconds kConnectDeadline{10};

struct ServeOptions {
  std::string socket;
  std::string worker_id;
  qsm::channel::Credentials credentials;
  int threads = 0;
  int device = 0;
  double idle_exit_s = 0;
};

int serve(ServeOptions const& o) {
  confine(o.socket.starts_with("unix:") ? Network::kNone : Network::kKept);
  use_threads(o.threads);
  qsm::DeviceInfo const info = device_at(o.device);
  qsm::ThisDevice const device(info.index);

  auto const channel = qsm::channel::open_channel(o.socket, o.credentials, {});
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectDeadline)) {
    std::cerr << "no daemon answers at " << o.socket << '\n';
    return 1;
  }
  auto const stub = qsm::v1::WorkerService::NewStub(channel);
  qsm::v1::ClaimRequest request;
  request.set_worker_id(o.worker_id);
  *request.mutable_device() = to_message(info);
  bool const patient = o.idle_exit_s <= 0;
  request.set_wait_s(patient ? kClaimWaitSeconds : std::min(o.idle_exit_s, kClaimWaitSeconds));
  auto last_work = std::chrono::steady_clock::now();
  for (;;) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kClaimDeadline);
    qsm::v1::ClaimResponse task;
    auto const status = stub->Claim(&context, request, &task);
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) continue;
    if (!status.ok()) {
      std::cerr << "the daemon went away: " << status.error_message() << '\n';
      return status.error_code() == grpc::StatusCode::UNAVAILABLE ? 0 : 1;
    }
    if (task.end()) {
      std::cerr << "another tenant is next; a new process takes over\n";
      return 0;
    }
    std::chrono::duration<double> const idle = std::chrono::steady_clock::now() - last_work;
    if (!task.has_claim()) {
      if (patient || idle.count() < o.idle_exit_s) continue;
      std::cerr << "no work for " << idle.count() << " s; the place is given back\n";
      return 0;
    }
    switch (run_task(device, info.index, *stub, task)) {
      case TaskEnd::kDone:
        break;
      case TaskEnd::kDaemonGone:
        return 0;
      case TaskEnd::kDeviceBroken:
        std::cerr << "the device failed; ending so that a new process takes over\n";
        return 3;
    }
    last_work = std::chrono::steady_clock::now();
  }
}

}  // namespace

Command add_serve(CLI::App& program) {
  auto* const app = program.add_subcommand("serve", "Take jobs from a daemon until it goes away");
  auto const o = std::make_shared<ServeOptions>();
  app->add_option("--socket", o->socket, "the daemon's worker listener, unix:PATH or host:port")
      ->required();
  app->add_option("--tls-ca", o->credentials.server_ca, "PEM, for host:port: whom to trust");
  app->add_option("--token-file", o->credentials.token_file, "for host:port: who we are");
  app->add_option("--worker-id", o->worker_id, "how the daemon calls this process")->required();
  app->add_option("--device", o->device, "index, as describe lists it")->capture_default_str();
  app->add_option("--idle-exit-s", o->idle_exit_s, "end after so long without work; 0: never")
      ->check(CLI::Range(0.0, 1e6));
  app->add_option("--threads", o->threads, "of the processor; 0: all")->capture_default_str();
  return {app, [o] { return serve(*o); }};
}

}  // namespace chistream
