#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "client/command_flags.hpp"
#include "client/commands.hpp"
#include "client/interrupt.hpp"
#include "client/job_display.hpp"
#include "formats/format_error.hpp"
#include "session/job.hpp"
#include "session/stopwatch.hpp"
#include "session/upload.hpp"

namespace chistream {

namespace {

/// Seconds of each part of one run, as --timings writes them.
struct Timings {
  double convert_s = 0;  // to a container, with digest and checks
  double upload_s = 0;   // until the last byte is on the server's disk
  double commit_s = 0;
  double reconstruct_s = 0;  // queue and pipeline
  double fetch_s = 0;        // series and files
  double last_chunk_to_last_instance_s = 0;

  nlohmann::ordered_json json() const {
    return {
        {"convert_s", convert_s}, {"upload_s", upload_s},
        {"commit_s", commit_s},   {"reconstruct_s", reconstruct_s},
        {"fetch_s", fetch_s},     {"last_chunk_to_last_instance_s", last_chunk_to_last_instance_s}};
  }
};

nlohmann::ordered_json json_of(google::protobuf::Message const& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  check({static_cast<grpc::StatusCode>(
             google::protobuf::util::MessageToJsonString(message, &text, options).code()),
         "a message cannot be written as JSON"});
  return nlohmann::ordered_json::parse(text);
}

void write_json(std::filesystem::path const& path, nlohmann::ordered_json const& json) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  file.close();
  if (!file) throw FormatError("FILE_UNWRITABLE", path.string() + " cannot be written");
}

struct Flags {
  ServerFlag server;
  InputFlags input;
  JobFlags job;
  OutputFlags output;
  std::filesystem::path json;
  std::filesystem::path timings;
};

Patience patience(Progress& progress) {
  return {.tell = [&](std::string const& line) { progress.say(line); }};
}

UploadWatch upload_watch(Progress& progress, Exam const& exam) {
  UploadWatch watch;
  watch.patience = patience(progress);
  watch.progress = [&](UploadProgress p) {
    progress.show("upload", static_cast<double>(p.durable) / static_cast<double>(p.total),
                  size_text(p.durable) + " of " + size_text(p.total));
  };
  watch.resuming = [&](std::uint64_t offset) {
    progress.say("resuming at byte " + std::to_string(offset) + " of " +
                 std::to_string(exam.bytes));
  };
  return watch;
}

/// Convert, upload, commit, submit: until the job is the server's.
qsm::v1::Job send(Flags const& flags, Connection& server, Progress& progress, Timings& times,
                  qsm::v1::InputSummary& summary) {
  on_interrupt_say("interrupted; nothing is running on the server");
  qsm::v1::JobSpec spec = flags.job.spec(server);
  Stopwatch clock;
  Exam const exam = flags.input.prepare(progress);
  times.convert_s = clock.lap();
  on_interrupt_say("interrupted; the same command goes on with the upload");
  Uploaded const uploaded = upload_exam(server, exam, upload_watch(progress, exam));
  times.upload_s = uploaded.upload_s;
  times.commit_s = uploaded.commit_s;
  summary = uploaded.summary;
  spec.set_upload_id(uploaded.upload_id);
  discard(exam);  // the server has it, and patient data should not lie about
  return submit_job(server, spec, flags.job.fresh(), patience(progress));
}

int reconstruct(Flags const& flags) {
  Progress progress;
  Timings times;
  qsm::v1::InputSummary summary;
  Connection server = flags.server.connect();
  auto const submitted = send(flags, server, progress, times, summary);
  std::string const id = submitted.job_id();
  std::string const at = " --server " + flags.server.address();
  progress.say("job " + id);
  on_interrupt_say("interrupted; job " + id + " goes on without us\n  chistream watch " + id + at +
                   "\n  chistream cancel " + id + at);
  Stopwatch clock;
  auto const job = watch_job(server, id, patience(progress),
                             [&](qsm::v1::Job const& j) { show_job(progress, j); });
  times.reconstruct_s = clock.lap();
  nlohmann::ordered_json result{{"job", json_of(job)}, {"input", json_of(summary)}};
  if (job.state() != qsm::v1::JOB_STATE_SUCCEEDED) {
    write_json(flags.json, result);
    progress.clear();
    return report_end(job);
  }
  auto const fetched =
      fetch_results(server, id, flags.output.folder(), flags.output.wanted(), patience(progress));
  times.fetch_s = clock.lap();
  times.last_chunk_to_last_instance_s =
      times.commit_s + times.reconstruct_s + fetched.last_instance_s;
  progress.say(std::to_string(fetched.instances) + " instances, " + std::to_string(fetched.files) +
               " files in all, " + size_text(fetched.bytes) + " in " +
               flags.output.folder().string());
  result["instances"] = fetched.instances;
  result["timings"] = times.json();
  write_json(flags.json, result);
  write_json(flags.timings, times.json());
  return report_end(job);
}

int submit(Flags const& flags) {
  Progress progress;
  Timings times;
  qsm::v1::InputSummary summary;
  Connection server = flags.server.connect();
  std::cout << send(flags, server, progress, times, summary).job_id() << std::endl;
  return kExitOk;
}

}  // namespace

Command add_reconstruct(CLI::App& program) {
  auto* const app = program.add_subcommand("reconstruct", "send an exam, wait, fetch the results");
  auto const flags = std::make_shared<Flags>();
  flags->input.add_to(*app);
  flags->output.add_to(*app);
  flags->server.add_to(*app);
  flags->job.add_to(*app);
  app->add_option("--json", flags->json, "write job, input summary and timings to this file");
  app->add_option("--timings", flags->timings, "write the seconds of each part to this file");
  return {app, [flags] { return reconstruct(*flags); }};
}

Command add_submit(CLI::App& program) {
  auto* const app = program.add_subcommand("submit", "send an exam and print the job's id");
  auto const flags = std::make_shared<Flags>();
  flags->input.add_to(*app);
  flags->server.add_to(*app);
  flags->job.add_to(*app);
  return {app, [flags] { return submit(*flags); }};
}

}  // namespace chistream
