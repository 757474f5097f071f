#include "client/command_flags.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "formats/result_flags.hpp"
#include "session/overrides.hpp"
#include "session/priority.hpp"

namespace chistream {

void ServerFlag::add_to(CLI::App& app) {
  char const* given = std::getenv("CHISTREAM_SERVER");
  address_ = given != nullptr && *given != '\0' ? given : "127.0.0.1:50151";
  app.add_option("--server", address_, "host:port or unix:PATH; also $CHISTREAM_SERVER")
      ->capture_default_str();
  app.add_option("--token-file", credentials_.token_file, "who we are: a token in its first line")
      ->envname("CHISTREAM_TOKEN_FILE");
  app.add_option("--tls-ca", credentials_.server_ca, "PEM; whose server certificates to trust")
      ->envname("CHISTREAM_TLS_CA");
  app.add_option("--tls-cert", credentials_.certificate, "PEM; who we are: a client certificate")
      ->envname("CHISTREAM_TLS_CERT");
  app.add_option("--tls-key", credentials_.key, "PEM; of --tls-cert")->envname("CHISTREAM_TLS_KEY");
}

void JobFlags::add_to(CLI::App& app) {
  app.add_option("--pipeline", pipeline_, "name or name@version; the server's first otherwise");
  app.add_option("--set", assignments_, "stage.option=value; `chistream info pipelines` lists them")
      ->allow_extra_args(false);
  app.add_flag("--new", fresh_, "start another job even if the same one exists");
  add_priority(app, "--priority", priority_, "of the job in the server's queue [routine]");
  app.add_option_function<double>(
         "--max-queue-time",
         [this](double seconds) {
           auto& time = *spec_.mutable_max_queue_time();
           time.set_seconds(static_cast<std::int64_t>(seconds));
           time.set_nanos(static_cast<std::int32_t>(1e9 * (seconds - std::floor(seconds))));
         },
         "seconds after which a job that has not started is not wanted any more")
      ->check(CLI::Range(0.001, 3e7));
  add_result_flags(app, spec_);
  add_identity_flags(app, *spec_.mutable_identity());
}

qsm::v1::JobSpec JobFlags::spec(Connection& server) const {
  qsm::v1::JobSpec spec = spec_;
  spec.set_priority(priority_);
  return resolved(server, std::move(spec), pipeline_, assignments_, no_patience());
}

void InputFlags::add_to(CLI::App& app) {
  exam_.add_to(app);
  cache_ = default_cache().string();
  app.add_option("--cache", cache_, "where the exam is kept until the server has it")
      ->capture_default_str();
}

Exam InputFlags::prepare(Progress& progress) const {
  ExamSource const source = exam_.source();
  progress.say("reading the exam");
  Exam exam = prepare_exam(source, cache_);
  auto const& summary = exam.summary;
  auto const& matrix = summary.geometry().matrix();
  progress.say(std::to_string(matrix.x()) + " x " + std::to_string(matrix.y()) + " x " +
               std::to_string(matrix.z()) + " voxels, " + std::to_string(summary.echoes()) +
               " echoes, " + std::to_string(summary.coils()) + " coils, " + size_text(exam.bytes));
  for (auto const& warning : summary.warnings()) progress.say("warning: " + warning);
  return exam;
}

void OutputFlags::add_to(CLI::App& app) {
  app.add_option("-o,--output", folder_, "folder for the results; made if it is not there")
      ->required();
  app.add_option("--artifacts", artifacts_, "dicom: the series; nifti: everything else")
      ->check(CLI::IsMember({"all", "dicom", "nifti"}))
      ->capture_default_str();
}

Wanted OutputFlags::wanted() const {
  if (artifacts_ == "dicom") return Wanted::kDicom;
  return artifacts_ == "nifti" ? Wanted::kNifti : Wanted::kAll;
}

}  // namespace chistream
