#include "gateway/exams/exam_runner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <iostream>
#include <optional>
#include <set>

#include "formats/dicom/dicom_reader.hpp"
#include "formats/format_error.hpp"
#include "formats/ismrmrd/ismrmrd_reader.hpp"
#include "gateway/delivery/result_files.hpp"
#include "gateway/exams/container_file.hpp"
#include "gateway/reception/inbox.hpp"
#include "process/child_process.hpp"
#include "session/fetch.hpp"
#include "session/job.hpp"
#include "session/overrides.hpp"
#include "session/upload.hpp"

namespace chistream::gateway {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::minutes kConversionTime{10};

Patience for_ever() {
  return {.limit = std::chrono::hours(24 * 365),
          .tell = [](std::string const& line) { spdlog::warn("{}", line); }};
}

/// "REASON: text" as an error of that reason.
[[noreturn]] void throw_reason(std::string const& text) {
  auto const colon = text.find(": ");
  if (colon == std::string::npos) throw FormatError("CONVERSION_FAILED", text);
  throw FormatError(text.substr(0, colon), text.substr(colon + 2));
}

/// Answers the SHA-256 of the container, which it takes a while to write.
std::string convert(fs::path const& images, fs::path const& list, fs::path const& container) {
  auto const done = run_program({"/proc/self/exe", "convert", "--folder", images.string(), "--list",
                                 list.string(), "--out", container.string()},
                                kConversionTime);
  if (!done) throw FormatError("CONVERSION_FAILED", "the images were not read in time");
  std::string const line = done->output.substr(0, done->output.find('\n'));
  if (done->end.exit_code == 0) return line;
  if (done->end.exit_code < 0)
    throw FormatError("CONVERSION_FAILED", "reading the images ended with " + done->end.text);
  throw_reason(line);
}

/// A container that grows while the images are read. Not inspected here: the daemon has a worker do
/// that at commit.
class Conversion {
 public:
  Conversion(fs::path const& state, qsm::v1::ReceivedExam const& exam, fs::path const& work)
      : path_(work / "exam.qsmexam"), container_(path_, begin(state, exam, work)) {}
  ~Conversion() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Conversion(Conversion const&) = delete;
  GrowingFile const& container() const { return container_; }

 private:
  std::shared_future<std::string> begin(fs::path const& state, qsm::v1::ReceivedExam const& exam,
                                        fs::path const& work) const {
    fs::path const list = work / "instances";
    std::ofstream uids(list);
    for (auto const& uid : exam.sop_instance_uids()) uids << uid << '\n';
    uids.close();
    fs::remove(path_);  // of an attempt that was broken off: it would be taken for this one's
    return std::async(std::launch::async, convert, state / exam.folder(), list, path_);
  }

  fs::path path_;
  GrowingFile container_;
};

/// What the nodes that the result goes to take in place of MR images.
std::set<qsm::v1::DicomObject> objects_of(Settings const& settings,
                                          qsm::v1::ReceivedExam const& exam) {
  std::set<qsm::v1::DicomObject> objects;
  for (auto const& name : exam.return_to())
    if (auto const node = settings.nodes.find(name); node != settings.nodes.end()) {
      objects.insert(node->second.object);
      if (node->second.report) objects.insert(qsm::v1::DICOM_OBJECT_REPORT);
    }
  objects.erase(qsm::v1::DICOM_OBJECT_UNSPECIFIED);
  return objects;
}

/// The instances of `folder` whose UIDs stand in `list`.
dicom::FolderContents listed(fs::path const& folder, fs::path const& list) {
  std::set<std::string> wanted;
  std::ifstream uids(list);
  for (std::string uid; std::getline(uids, uid);) wanted.insert(uid);
  dicom::FolderContents contents;
  Inbox::read_new(folder, contents.files);
  std::erase_if(contents.files, [&](dicom::SourceFile const& file) {
    return !wanted.contains(file.facts.sop_instance_uid());
  });
  return contents;
}

}  // namespace

Connection connect_for(Settings const& settings, Origin const& origin) {
  auto const& caller = settings.still_known(origin.calling_ae, origin.address, origin.certificate);
  auto credentials = settings.daemon_credentials;
  if (!caller.token_file.empty()) credentials.token_file = caller.token_file;
  return Connection(settings.daemon_address, credentials);
}

ExamResult run_exam(Settings const& settings, fs::path const& state,
                    qsm::v1::ReceivedExam const& exam,
                    std::function<void(std::string const&)> const& job_known) {
  auto const* const pipeline = settings.pipeline(exam.called_ae());
  if (!pipeline)
    throw FormatError("UNKNOWN_PIPELINE",
                      "no pipeline has the called AE title " + exam.called_ae() + " any more");
  fs::path const work = state / "exams" / exam.exam_id();
  fs::create_directories(work);
  Connection server = connect_for(settings, Inbox::origin_of(state / exam.folder()));
  std::string job_id = exam.job_id();
  if (job_id.empty()) {
    std::optional<Conversion> conversion;
    if (exam.upload_id().empty()) conversion.emplace(state, exam, work);
    auto spec =
        resolved(server, pipeline->spec, pipeline->pipeline, pipeline->assignments, for_ever());
    spec.set_upload_id(exam.upload_id());
    if (conversion) {
      auto const uploaded = upload_growing_exam(server, "gateway-" + exam.exam_id(),
                                                conversion->container(), {.patience = for_ever()});
      spdlog::info("exam {}: converted and uploaded in {:.2f} s, checked in {:.2f} s",
                   exam.exam_id(), uploaded.upload_s, uploaded.commit_s);
      spec.set_upload_id(uploaded.upload_id);
    }
    for (auto const object : objects_of(settings, exam)) spec.add_objects(object);
    job_id = submit_job(server, spec, false, for_ever()).job_id();
    job_known(job_id);
  }
  auto const job = watch_job(server, job_id, for_ever(), [](auto const&) {});
  if (job.state() != qsm::v1::JOB_STATE_SUCCEEDED)
    throw FormatError(job.error().reason().empty() ? state_name(job.state()) : job.error().reason(),
                      job.error().message().empty() ? "the job ended as " + state_name(job.state())
                                                    : job.error().message());
  fetch_results(server, job_id, work / "result", Wanted::kDicom, for_ever());
  return {job_id, result_files(state, exam.exam_id())};
}

int convert_images(fs::path const& folder, fs::path const& list, fs::path const& container) try {
  std::string const sha256 = write_container(container, [&](ContainerWriter& out) {
    if (fs::is_regular_file(folder))
      read_ismrmrd(folder, {}, out);
    else
      dicom::read_dicom(dicom::only_exam(listed(folder, list)), {}, out);
  });
  std::cout << sha256 << std::endl;
  return 0;
} catch (FormatError const& error) {
  std::cout << error.reason() << ": " << error.what() << std::endl;
  return 3;
}

}  // namespace chistream::gateway
