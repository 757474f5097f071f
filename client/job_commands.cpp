#include <algorithm>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <memory>

#include "client/command_flags.hpp"
#include "client/commands.hpp"
#include "client/interrupt.hpp"
#include "client/job_display.hpp"
#include "client/json_output.hpp"
#include "session/job.hpp"
#include "session/priority.hpp"

namespace chistream {

namespace {

struct JobArgument {
  ServerFlag server;
  std::string id;

  void add_to(CLI::App& app) {
    app.add_option("JOB", id, "id, as submit prints it")->required();
    server.add_to(app);
  }
};

Patience patience(Progress& progress) {
  return {.tell = [&](std::string const& line) { progress.say(line); }};
}

int watch(JobArgument const& job) {
  Connection server = job.server.connect();
  qsm::v1::Job last;
  on_interrupt_say("interrupted; job " + job.id + " goes on without us");
  {
    Progress progress;
    last = watch_job(server, job.id, patience(progress),
                     [&](qsm::v1::Job const& j) { show_job(progress, j); });
  }
  return report_end(last);
}

int fetch(JobArgument const& job, OutputFlags const& output) {
  Connection server = job.server.connect();
  Progress progress;
  on_interrupt_say("interrupted; fetch again for the whole result");
  auto const fetched =
      fetch_results(server, job.id, output.folder(), output.wanted(), patience(progress));
  std::cout << fetched.instances << " instances, " << fetched.files << " files, "
            << size_text(fetched.bytes) << " in " << output.folder().string() << std::endl;
  return kExitOk;
}

int cancel(JobArgument const& job) {
  Connection server = job.server.connect();
  qsm::v1::JobRef ref;
  ref.set_job_id(job.id);
  auto const now = call_with_patience<qsm::v1::Job>(
      {}, [&](grpc::ClientContext* context, qsm::v1::Job* response) {
        return server.jobs->CancelJob(context, ref, response);
      });
  std::cout << job_line(now) << std::endl;
  return kExitOk;
}

int set_priority(JobArgument const& job, qsm::v1::Priority priority) {
  Connection server = job.server.connect();
  qsm::v1::SetPriorityRequest request;
  request.set_job_id(job.id);
  request.set_priority(priority);
  auto const now = call_with_patience<qsm::v1::Job>(
      {}, [&](grpc::ClientContext* context, qsm::v1::Job* response) {
        return server.jobs->SetPriority(context, request, response);
      });
  std::cout << job_line(now) << std::endl;
  return kExitOk;
}

int retry(JobArgument const& job) {
  Connection server = job.server.connect();
  qsm::v1::RetryJobRequest request;
  request.set_request_id(random_request_id("retry"));
  request.set_job_id(job.id);
  auto const made = call_with_patience<qsm::v1::Job>(
      {}, [&](grpc::ClientContext* context, qsm::v1::Job* response) {
        return server.jobs->RetryJob(context, request, response);
      });
  std::cout << made.job_id() << std::endl;
  return kExitOk;
}

int delete_result(JobArgument const& job) {
  Connection server = job.server.connect();
  qsm::v1::DeleteResultRequest request;
  request.set_job_id(job.id);
  call_with_patience<qsm::v1::DeleteResultResponse>(
      {}, [&](grpc::ClientContext* context, qsm::v1::DeleteResultResponse* response) {
        return server.results->DeleteResult(context, request, response);
      });
  std::cout << "deleted" << std::endl;
  return kExitOk;
}

int keep(JobArgument const& job, int days) {
  Connection server = job.server.connect();
  qsm::v1::ExtendRetentionRequest request;
  request.set_job_id(job.id);
  std::time_t const until = std::time(nullptr) + std::time_t{days} * 86400;
  request.mutable_keep_until()->set_seconds(until);
  auto const kept = call_with_patience<qsm::v1::ExtendRetentionResponse>(
      {}, [&](grpc::ClientContext* context, qsm::v1::ExtendRetentionResponse* response) {
        return server.results->ExtendRetention(context, request, response);
      });
  std::time_t const due = kept.keep_until().seconds();
  if (kept.has_keep_until())
    std::cout << "kept until " << std::put_time(std::localtime(&due), "%F %R") << std::endl;
  else
    std::cout << "kept for ever" << std::endl;
  return kExitOk;
}

/// Page by page, so that any limit can be asked for.
int list(ServerFlag const& address, std::vector<std::string> const& states, std::uint32_t limit,
         bool json) {
  Connection server = address.connect();
  std::vector<qsm::v1::Job> jobs;
  qsm::v1::ListJobsRequest request;
  for (std::string const& name : states) request.add_states(state_called(name));
  while (limit > 0) {
    request.set_limit(std::min(limit, 1000u));
    auto const page = call_with_patience<qsm::v1::ListJobsResponse>(
        no_patience(), [&](grpc::ClientContext* context, qsm::v1::ListJobsResponse* response) {
          return server.jobs->ListJobs(context, request, response);
        });
    if (json)
      jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    else
      for (auto const& job : page.jobs()) std::cout << job_line(job) << '\n';
    limit -= std::min(limit, static_cast<std::uint32_t>(page.jobs_size()));
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  if (json) print_json(jobs);
  return kExitOk;
}

}  // namespace

Command add_watch(CLI::App& program) {
  auto* const app = program.add_subcommand("watch", "follow a job to its end");
  auto const job = std::make_shared<JobArgument>();
  job->add_to(*app);
  return {app, [job] { return watch(*job); }};
}

Command add_fetch(CLI::App& program) {
  auto* const app = program.add_subcommand("fetch", "bring the results of a job home");
  auto const job = std::make_shared<JobArgument>();
  auto const output = std::make_shared<OutputFlags>();
  job->add_to(*app);
  output->add_to(*app);
  return {app, [job, output] { return fetch(*job, *output); }};
}

Command add_cancel(CLI::App& program) {
  auto* const app = program.add_subcommand("cancel", "ask for a job to end");
  auto const job = std::make_shared<JobArgument>();
  job->add_to(*app);
  return {app, [job] { return cancel(*job); }};
}

Command add_priority_command(CLI::App& program) {
  auto* const app = program.add_subcommand("priority", "say how urgent a job is");
  auto const job = std::make_shared<JobArgument>();
  auto const priority = std::make_shared<qsm::v1::Priority>();
  job->add_to(*app);
  add_priority(*app, "PRIORITY", *priority, "an emergency makes another job stop")->required();
  return {app, [job, priority] { return set_priority(*job, *priority); }};
}

Command add_retry(CLI::App& program) {
  auto* const app =
      program.add_subcommand("retry", "queue a job again that failed, expired or was cancelled");
  auto const job = std::make_shared<JobArgument>();
  job->add_to(*app);
  return {app, [job] { return retry(*job); }};
}

Command add_delete(CLI::App& program) {
  auto* const app = program.add_subcommand("delete", "remove a job's result from the server");
  auto const job = std::make_shared<JobArgument>();
  job->add_to(*app);
  return {app, [job] { return delete_result(*job); }};
}

Command add_keep(CLI::App& program) {
  auto* const app = program.add_subcommand("keep", "have a job's result kept for longer");
  auto const job = std::make_shared<JobArgument>();
  auto const days = std::make_shared<int>(365);
  job->add_to(*app);
  app->add_option("--days", *days, "from now")->check(CLI::Range(1, 36500))->capture_default_str();
  return {app, [=] { return keep(*job, *days); }};
}

Command add_jobs(CLI::App& program) {
  auto* const app = program.add_subcommand("jobs", "list the newest jobs");
  auto const server = std::make_shared<ServerFlag>();
  auto const limit = std::make_shared<std::uint32_t>(100);
  server->add_to(*app);
  app->add_option("--limit", *limit, "at most so many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  auto const states = std::make_shared<std::vector<std::string>>();
  app->add_option("--state", *states, "only those in one of these")
      ->delimiter(',')
      ->check(CLI::IsMember(state_names(), CLI::ignore_case));
  auto const json = std::make_shared<bool>(false);
  app->add_flag("--json", *json, "every field, for programs");
  return {app, [server, states, limit, json] { return list(*server, *states, *limit, *json); }};
}

}  // namespace chistream
