#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>

#include "client/command_flags.hpp"
#include "client/commands.hpp"
#include "session/overrides.hpp"

namespace chistream {

namespace {

std::string range_text(qsm::v1::OptionDescription const& option) {
  std::ostringstream text;
  if (option.choices_size() > 0) {
    for (auto const& choice : option.choices()) text << (text.tellp() > 0 ? " | " : "") << choice;
    return text.str();
  }
  text << option.minimum() << " .. " << option.maximum();
  if (!option.unit().empty()) text << ' ' << option.unit();
  return text.str();
}

void print(qsm::v1::PipelineDescription const& pipeline) {
  std::cout << full_name(pipeline) << ": " << pipeline.doc() << "\n  stages:";
  for (auto const& stage : pipeline.stages()) std::cout << ' ' << stage;
  std::cout << '\n';
  for (auto const& option : pipeline.options())
    std::cout << "  " << std::left << std::setw(32)
              << option.name() + "=" + value_text(option.default_value()) << ' ' << std::setw(24)
              << range_text(option) << ' ' << option.doc() << '\n';
}

int pipelines(Connection& server) {
  auto const offered = call_with_patience<qsm::v1::ListPipelinesResponse>(
      no_patience(), [&](grpc::ClientContext* context, qsm::v1::ListPipelinesResponse* response) {
        return server.jobs->ListPipelines(context, {}, response);
      });
  for (auto const& pipeline : offered.pipelines()) print(pipeline);
  return kExitOk;
}

}  // namespace

qsm::v1::ServerInfo server_info(Connection& server) {
  return call_with_patience<qsm::v1::ServerInfo>(
      no_patience(), [&](grpc::ClientContext* context, qsm::v1::ServerInfo* response) {
        return server.admin->GetServerInfo(context, {}, response);
      });
}

void print_server(qsm::v1::ServerInfo const& info) {
  std::cout << "chistreamd " << info.version() << (info.draining() ? ", draining" : "") << "\n"
            << info.queued_jobs() << " jobs queued, " << info.running_jobs() << " running, "
            << size_text(info.spool_free_bytes()) << " free in the spool\n";
  for (auto const& worker : info.workers())
    std::cout << "worker " << worker.worker_id() << " on " << worker.device().name() << " ("
              << worker.device().kind() << "), "
              << (worker.job_id().empty() ? "idle" : "job " + worker.job_id()) << ", restarted "
              << worker.restarts() << " times\n";
}

Command add_info(CLI::App& program) {
  auto* const app = program.add_subcommand("info", "what the server is, and what it can do");
  auto const what = std::make_shared<std::string>("server");
  auto const server = std::make_shared<ServerFlag>();
  app->add_option("WHAT", *what, "server or pipelines")
      ->check(CLI::IsMember({"server", "pipelines"}))
      ->capture_default_str();
  server->add_to(*app);
  return {app, [what, server] {
            Connection connection = server->connect();
            if (*what == "pipelines") return pipelines(connection);
            print_server(server_info(connection));
            return static_cast<int>(kExitOk);
          }};
}

}  // namespace chistream
