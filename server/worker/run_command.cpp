// `run`: one reconstruction from files to a folder, without a server.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>

#include "container/sha256.hpp"
#include "formats/exam_flags.hpp"
#include "formats/format_error.hpp"
#include "formats/inspect.hpp"
#include "formats/result_flags.hpp"
#include "worker/catalogue.hpp"
#include "worker/commands.hpp"
#include "worker/job.hpp"
#include "worker/overrides.hpp"

namespace chistream {

namespace {

namespace fs = std::filesystem;

struct RunOptions {
  ExamFlags exam;
  std::vector<std::string> assignments;
  JobInput job;
  fs::path out;
  int threads = 0;
};

/// The exam as a container in a file that goes away with this object.
class TemporaryContainer {
 public:
  TemporaryContainer(ExamSource const& source, fs::path const& folder)
      : path_(folder / (".exam-" + std::to_string(getpid()) + ".qsmexam")) {
    qsm::container::Sha256 digest;
    std::ofstream file(path_, std::ios::binary);
    ContainerWriter writer([&](std::span<std::byte const> bytes) {
      digest.update(bytes);
      file.write(reinterpret_cast<char const*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    });
    try {
      write_exam(source, writer);
      file.close();
      if (!file) throw FormatError("FILE_UNWRITABLE", "cannot write to the output folder");
    } catch (...) {
      remove();
      throw;
    }
    sha256_ = digest.hex_digest();
  }
  ~TemporaryContainer() { remove(); }
  TemporaryContainer(TemporaryContainer const&) = delete;

  fs::path const& path() const { return path_; }
  std::string const& sha256() const { return sha256_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  fs::path path_;
  std::string sha256_;
};

void write_file(fs::path const& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw FormatError("FILE_UNWRITABLE", "cannot write " + path.filename().string());
}

/// One line per stage; on a terminal, the iterations within it.
class ProgressLines {
 public:
  void operator()(qsm::v1::Progress const& p) {
    if (p.stage() != stage_) std::cerr << (stage_.empty() ? "" : "\n") << p.stage();
    stage_ = p.stage();
    if (terminal_ && p.iteration() > 0)
      std::cerr << '\r' << p.stage() << ' ' << p.iteration() << '/' << p.max_iterations()
                << "  change " << p.residual() << "   ";
    std::cerr.flush();
  }

 private:
  bool const terminal_ = isatty(STDERR_FILENO) != 0;
  std::string stage_;
};

std::stop_source interrupted;  // by SIGINT: request_stop() takes no lock without callbacks

int run(RunOptions& o) {
  use_threads(o.threads);
  qsm::ThisDevice const device(first_device().index);
  auto& job = o.job;
  for (auto const& assignment : o.assignments)
    *job.spec.add_overrides() = parse_override(assignment);
  if (job.created_at_unix_s == 0)
    job.created_at_unix_s = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  // Identifiers name the job, so another time must be another job.
  if (job.job_id.empty()) job.job_id = "run-" + std::to_string(job.created_at_unix_s);

  fs::create_directories(o.out);
  TemporaryContainer const exam(o.exam.source(), o.out);
  job.container = exam.path();
  job.input_sha256 = exam.sha256();
  auto const summary = inspect(ContainerReader(exam.path()));
  for (auto const& warning : summary.warnings()) std::cerr << "warning: " << warning << '\n';

  std::signal(SIGINT, [](int) { interrupted.request_stop(); });
  ProgressLines lines;
  JobOutcome const outcome = run_job(
      device, job,
      [&](qsm::v1::Artifact const& head, std::string_view bytes) {
        write_file(o.out / head.name(), bytes);
      },
      interrupted.get_token(), [&](qsm::v1::Progress const& p) { lines(p); });

  std::cerr << '\n';
  for (auto const& warning : outcome.warnings) std::cerr << "warning: " << warning << '\n';
  for (auto const& time : outcome.stage_times)
    std::cout << time.stage() << ' ' << time.seconds() << " s\n";
  std::cout << "peak " << (outcome.peak_bytes >> 20) << " MiB\n"
            << outcome.artifacts << " artifacts in " << o.out.string() << '\n';
  return 0;
}

}  // namespace

Command add_run(CLI::App& program) {
  auto* const app = program.add_subcommand("run", "Reconstruct from files, without a server");
  auto const o = std::make_shared<RunOptions>();
  o->exam.add_to(*app);
  app->add_option("-o,--out", o->out, "folder for the results")->required();
  app->add_option_function<std::string>(
      "--pipeline", [o](std::string const& name) { o->job.spec.set_pipeline(name); },
      "name or name@version; the default is the first");
  app->add_option("--set", o->assignments, "stage.option=value; `describe --text` lists them")
      ->allow_extra_args(false);
  app->add_option("--threads", o->threads, "of the processor; 0: all")->capture_default_str();
  app->add_option("--job-id", o->job.job_id, "goes into every identifier; default: from the time");
  app->add_option("--created-at", o->job.created_at_unix_s,
                  "date of the DICOM series [s since 1970]; default: now");
  add_result_flags(*app, o->job.spec);
  add_identity_flags(*app, *o->job.spec.mutable_identity());
  return {app, [o] { return run(*o); }};
}

}  // namespace chistream
