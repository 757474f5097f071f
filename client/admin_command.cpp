#include <iostream>
#include <memory>

#include "client/command_flags.hpp"
#include "client/commands.hpp"

namespace chistream {

namespace {

qsm::v1::ServerInfo set_drain(Connection& server, bool draining) {
  qsm::v1::SetDrainRequest request;
  request.set_draining(draining);
  return call_with_patience<qsm::v1::ServerInfo>(
      no_patience(), [&](grpc::ClientContext* context, qsm::v1::ServerInfo* response) {
        return server.admin->SetDrain(context, request, response);
      });
}

void reload(Connection& server) {
  auto const done = call_with_patience<qsm::v1::ReloadConfigResponse>(
      no_patience(), [&](grpc::ClientContext* context, qsm::v1::ReloadConfigResponse* response) {
        return server.admin->ReloadConfig(context, {}, response);
      });
  std::cout << "reloaded;";
  for (std::string const& option : done.changed()) std::cout << ' ' << option;
  std::cout << (done.changed().empty() ? " nothing has changed\n" : " changed\n");
}

void audit(Connection& server, std::uint32_t lines) {
  qsm::v1::TailAuditRequest request;
  request.set_lines(lines);
  auto const tail = call_with_patience<qsm::v1::TailAuditResponse>(
      no_patience(), [&](grpc::ClientContext* context, qsm::v1::TailAuditResponse* response) {
        return server.admin->TailAudit(context, request, response);
      });
  for (std::string const& line : tail.lines()) std::cout << line << '\n';
}

}  // namespace

Command add_admin(CLI::App& program) {
  struct Flags {
    ServerFlag server;
    std::uint32_t lines = 100;
  };
  auto const flags = std::make_shared<Flags>();
  auto* const app = program.add_subcommand("admin", "for whoever runs the server: role admin");
  app->require_subcommand(1);
  auto* const drain = app->add_subcommand("drain", "what runs finishes, nothing new begins");
  auto* const undrain = app->add_subcommand("undrain", "takes up work again");
  auto* const devices = app->add_subcommand("devices", "workers, devices and what they do");
  auto* const reloading =
      app->add_subcommand("reload", "reads access and configuration file again");
  auto* const trail = app->add_subcommand("audit", "the newest lines of the audit trail");
  trail->add_option("--lines", flags->lines)->check(CLI::Range(1, 1000))->capture_default_str();
  for (auto* const part : {drain, undrain, devices, reloading, trail}) flags->server.add_to(*part);
  return {app, [=] {
            Connection server = flags->server.connect();
            if (*drain || *undrain) print_server(set_drain(server, drain->parsed()));
            if (*devices) print_server(server_info(server));
            if (*reloading) reload(server);
            if (*trail) audit(server, flags->lines);
            return kExitOk;
          }};
}

}  // namespace chistream
