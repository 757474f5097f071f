#include "gateway/exams/exam_desk.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "container/sha256.hpp"
#include "formats/format_error.hpp"
#include "session/connection.hpp"
#include "store/request_error.hpp"
#include "store/timestamp.hpp"

namespace chistream::gateway {

namespace fs = std::filesystem;

namespace {

using Seconds = std::chrono::duration<double>;
constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kBusy{15};  // the daemon's disk is full, or a quota used up

/// Of the very images: another image, or another content, is another exam.
std::string id_of(Origin const& origin, dicom::DicomExam const& exam) {
  qsm::container::Sha256 digest;
  digest.update(origin.calling_ae + '\n' + origin.called_ae + '\n');
  for (auto const& file : exam.files)
    digest.update(file.facts.sop_instance_uid() + ' ' + file.facts.content_sha256() + '\n');
  return digest.hex_digest().substr(0, 32);
}

std::string description_of(dicom::DicomExam const& exam) {
  std::set<std::uint32_t> numbers;
  for (auto const& file : exam.files) numbers.insert(file.facts.series_number());
  std::string text = "series";
  for (auto const number : numbers) text += ' ' + std::to_string(number);
  return text + ": " + std::to_string(exam.images.te_s().size()) + " echoes, " +
         std::to_string(exam.images.slices()) + " slices";
}

}  // namespace

ExamDesk::ExamDesk(Settings const& settings, fs::path state, GatewayJournal& journal, Audit& audit,
                   DeliveryQueue& deliveries, RunExam run, unsigned runners)
    : settings_(settings),
      state_(std::move(state)),
      journal_(journal),
      audit_(audit),
      deliveries_(deliveries),
      run_(std::move(run)) {
  Inbox const inbox(state_);
  // What was begun before first: captured() journals what it begins, which would be queued twice.
  for (auto& exam : journal_.exams(qsm::v1::EXAM_STATE_RECONSTRUCTING)) queue_.push_back(exam);
  for (auto const& folder : inbox.folders()) stored(folder);
  for (auto const& capture : inbox.captures()) captured(capture);
  threads_.emplace_back([this](std::stop_token stop) { watch(stop); });
  for (unsigned i = 0; i < runners; ++i)
    threads_.emplace_back([this](std::stop_token stop) { work(stop); });
}

ExamDesk::~ExamDesk() {
  for (auto& thread : threads_) thread.request_stop();
  changed_.notify_all();
}

void ExamDesk::stored(fs::path const& path) {
  std::scoped_lock const lock(mutex_);
  auto const [at, is_new] = folders_.try_emplace(path);
  if (is_new) at->second.origin = Inbox::origin_of(path);
  at->second.last_image = Clock::now();
  at->second.last_image_ms = to_ms(timestamp_now());
  at->second.changed = true;
}

void ExamDesk::captured(fs::path const& file, std::string const& upload_id) {
  std::scoped_lock const lock(mutex_);
  auto const origin = Inbox::origin_of(file);
  qsm::v1::ReceivedExam exam;
  exam.set_exam_id(file.stem());
  if (journal_.exam(exam.exam_id())) return;  // the same stream once more
  exam.set_called_ae(origin.called_ae);
  exam.set_calling_ae(origin.calling_ae);
  exam.set_folder(file.lexically_relative(state_));
  exam.set_description("MRD stream");
  exam.set_upload_id(upload_id);
  *exam.mutable_last_image_at() = timestamp_now();
  begin(std::move(exam));
}

/// At most ten times a second, so that the cost of sorting does not grow with the square of the
/// images that come in.
void ExamDesk::watch(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, stop, kLook, [&] { return stop.stop_requested(); })) {
    if (Clock::now() >= next_forgetting_) forget_settled();
    take_up_later_ones();
    for (auto& [path, folder] : folders_) {
      try {
        look_at(path, folder);
      } catch (std::exception const& error) {
        spdlog::error("{}: {}", path.filename().string(), error.what());
        folder.changed = false;
      }
    }
  }
}

void ExamDesk::take_up_later_ones() {
  auto const due = later_.upper_bound(Clock::now());
  if (due == later_.begin()) return;
  for (auto at = later_.begin(); at != due; ++at) queue_.push_back(std::move(at->second));
  later_.erase(later_.begin(), due);
  changed_.notify_all();
}

/// Once a minute: images and results of exams that were delivered long ago.
void ExamDesk::forget_settled() try {
  next_forgetting_ = Clock::now() + std::chrono::minutes(1);
  auto const before =
      to_ms(timestamp_now()) - static_cast<std::int64_t>(settings_.keep_hours * 3.6e6);
  for (auto const& exam : journal_.settled_exams(before)) forget(exam, "retention");
} catch (std::exception const& error) {
  spdlog::error("housekeeping: {}", error.what());
}

void ExamDesk::forget(qsm::v1::ReceivedExam const& exam, char const* why) {
  auto const path = state_ / exam.folder();
  if (!exam.superseded_by().empty()) {
    // Its images are those of another exam as well, and go with that.
  } else if (path.extension() == ".mrd") {
    fs::remove(path);
    fs::remove(fs::path(path).replace_extension(".origin"));
  } else {
    Inbox::remove(path, exam.sop_instance_uids());
  }
  fs::remove_all(state_ / "exams" / exam.exam_id());
  if (auto const folder = folders_.find(path); folder != folders_.end()) {
    std::erase_if(folder->second.files,
                  [](dicom::SourceFile const& file) { return !fs::exists(file.path); });
    if (!fs::exists(path)) folders_.erase(folder);
  }
  journal_.forget_exam(exam.exam_id());  // last: else its images would be an exam anew
  audit_.record(
      {.event = AuditEvent::kStudyDeleted, .action = why, .object = "exam " + exam.exam_id()});
}

void ExamDesk::look_at(fs::path const& path, Folder& folder) {
  auto const quiet = Clock::now() - folder.last_image;
  if (folder.changed) sort(path, folder);
  std::erase_if(folder.candidates, [&](Candidate& candidate) {
    auto& view = candidate.view;
    if (judge(view, candidate.exam, quiet))
      begin(view);
    else if (view.state() == qsm::v1::EXAM_STATE_FAILED)
      fail(view, view.error().reason(), view.error().message());
    else
      return false;
    return true;
  });
}

/// When images came; as time passes, what was found is only judged again.
void ExamDesk::sort(fs::path const& path, Folder& folder) {
  Inbox::read_new(path, folder.files);
  folder.changed = false;
  folder.candidates.clear();
  for (auto& exam : dicom::sort_into_exams(folder.files)) {
    auto view = view_of(path, folder, exam);
    bool const begun_before = journal_.exam(view.exam_id()).has_value();
    if (!begun_before) folder.candidates.push_back({std::move(view), std::move(exam)});
  }
}

/// Whether to begin; else the view says what it waits for, or why it has failed.
bool ExamDesk::judge(qsm::v1::ReceivedExam& view, dicom::DicomExam const& exam,
                     Clock::duration quiet) {
  bool const is_quiet = quiet >= Seconds(settings_.quiet_s);
  if (exam.ready() && (exam.counted || is_quiet)) return true;
  view.set_state(is_quiet ? qsm::v1::EXAM_STATE_WAITING_INPUT : qsm::v1::EXAM_STATE_RECEIVING);
  // While images come in, what looks contradictory may only be incomplete.
  if (exam.refusal && is_quiet) {
    view.set_state(qsm::v1::EXAM_STATE_FAILED);
    view.mutable_error()->set_reason(exam.refusal->reason);
    view.mutable_error()->set_message(exam.refusal->message);
  } else if (!exam.missing.empty() && quiet >= Seconds(settings_.give_up_s)) {
    view.set_state(qsm::v1::EXAM_STATE_FAILED);
    view.mutable_error()->set_reason("IMAGES_MISSING");
    view.mutable_error()->set_message(exam.missing_text());
  }
  return false;
}

qsm::v1::ReceivedExam ExamDesk::view_of(fs::path const& path, Folder const& folder,
                                        dicom::DicomExam const& exam) const {
  qsm::v1::ReceivedExam view;
  view.set_exam_id(id_of(folder.origin, exam));
  view.set_called_ae(folder.origin.called_ae);
  view.set_calling_ae(folder.origin.calling_ae);
  view.set_folder(path.lexically_relative(state_));
  view.set_study_instance_uid(exam.files.front().facts.identity().study_instance_uid());
  for (auto const& uid : exam.series_uids) view.add_series_instance_uids(uid);
  view.set_description(description_of(exam));
  view.set_images(static_cast<std::uint32_t>(exam.files.size()));
  for (auto const& what : exam.missing) view.add_missing(what);
  *view.mutable_last_image_at() = timestamp_from_ms(folder.last_image_ms);
  for (auto const& file : exam.files) view.add_sop_instance_uids(file.facts.sop_instance_uid());
  return view;
}

void ExamDesk::begin(qsm::v1::ReceivedExam exam) {
  auto const origin = Inbox::origin_of(state_ / exam.folder());
  exam.set_state(qsm::v1::EXAM_STATE_RECONSTRUCTING);
  *exam.mutable_started_at() = timestamp_now();
  try {
    auto const& caller =
        settings_.still_known(origin.calling_ae, origin.address, origin.certificate);
    for (auto const& node : settings_.return_nodes(caller, origin.calling_ae))
      exam.add_return_to(node);
  } catch (FormatError const& error) {
    return fail(exam, error.reason(), error.what());
  }
  supersede_earlier(exam);
  journal_.put_exam(exam);
  audit_.record({.event = AuditEvent::kImport,
                 .action = "exam",
                 .caller = exam.calling_ae(),
                 .peer = origin.address,
                 .object = "exam " + exam.exam_id() + " for " + exam.called_ae()});
  spdlog::info("exam {} from {}: {}", exam.exam_id(), exam.calling_ae(), exam.description());
  queue_.push_back(std::move(exam));
  changed_.notify_all();
}

/// Images that came after an exam of theirs had begun make another one. The earlier result stays
/// what it was, and says so.
void ExamDesk::supersede_earlier(qsm::v1::ReceivedExam const& exam) {
  std::set<std::string> const images(exam.sop_instance_uids().begin(),
                                     exam.sop_instance_uids().end());
  auto const holds = [&](qsm::v1::ReceivedExam const& other) {
    auto const& uids = other.sop_instance_uids();
    return other.images() < exam.images() &&
           std::all_of(uids.begin(), uids.end(),
                       [&](std::string const& uid) { return images.contains(uid); });
  };
  for (auto& earlier : journal_.exams_in(exam.folder())) {
    if (!holds(earlier)) continue;
    earlier.set_superseded_by(exam.exam_id());
    journal_.put_exam(earlier);
    spdlog::warn("exam {} is superseded by {}: images came late", earlier.exam_id(),
                 exam.exam_id());
  }
}

/// Of an exam that is worked on: it may have been superseded meanwhile.
void ExamDesk::keep_mark(qsm::v1::ReceivedExam& exam) {
  if (auto const now = journal_.exam(exam.exam_id())) exam.set_superseded_by(now->superseded_by());
}

void ExamDesk::work(std::stop_token stop) {
  for (;;) {
    qsm::v1::ReceivedExam exam;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !queue_.empty(); })) return;
      exam = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      run(exam);
    } catch (std::exception const& error) {  // not even its failure could be journaled
      spdlog::error("exam {} waits: {}", exam.exam_id(), error.what());
      std::scoped_lock const lock(mutex_);
      later_.emplace(Clock::now() + kBusy, std::move(exam));
    }
  }
}

void ExamDesk::run(qsm::v1::ReceivedExam exam) {
  try {
    auto const result = run_(exam, [&](std::string const& job_id) {
      exam.set_job_id(job_id);
      std::scoped_lock const lock(mutex_);
      keep_mark(exam);
      journal_.put_exam(exam);
      spdlog::info("exam {} is job {}", exam.exam_id(), job_id);
    });
    exam.set_job_id(result.job_id);
    exam.set_state(qsm::v1::EXAM_STATE_DONE);
    exam.clear_error();
    *exam.mutable_finished_at() = timestamp_now();
    std::vector<qsm::v1::Delivery> deliveries;
    for (auto const& node : exam.return_to())
      deliveries.push_back(delivery_to(node, exam, result.files));
    {
      std::scoped_lock const lock(mutex_);
      keep_mark(exam);
      journal_.finish_exam(exam, deliveries);
    }
    spdlog::info("exam {} is done: {} instances for {} nodes", exam.exam_id(), result.files.size(),
                 deliveries.size());
    deliveries_.wake();
  } catch (FormatError const& error) {
    fail(exam, error.reason(), error.what());
  } catch (RpcError const& error) {
    if (error.detail().retryable()) {
      spdlog::warn("exam {} waits: {}", exam.exam_id(), error.what());
      std::scoped_lock const lock(mutex_);
      later_.emplace(Clock::now() + kBusy, std::move(exam));
      return;
    }
    fail(exam, error.detail().reason(), error.what());
  } catch (std::exception const& error) {
    fail(exam, "INTERNAL", error.what());
  }
}

void ExamDesk::fail(qsm::v1::ReceivedExam exam, std::string const& reason,
                    std::string const& message) {
  exam.set_state(qsm::v1::EXAM_STATE_FAILED);
  exam.mutable_error()->set_reason(reason);
  exam.mutable_error()->set_message(message);
  *exam.mutable_finished_at() = timestamp_now();
  keep_mark(exam);
  journal_.put_exam(exam);
  spdlog::error("exam {} from {} has failed, its images are kept: {}: {}", exam.exam_id(),
                exam.calling_ae(), reason, message);
}

std::vector<qsm::v1::ReceivedExam> ExamDesk::arriving() {
  std::scoped_lock const lock(mutex_);
  std::vector<qsm::v1::ReceivedExam> found;
  for (auto const& [path, folder] : folders_)
    for (auto const& candidate : folder.candidates) found.push_back(candidate.view);
  return found;
}

std::vector<qsm::v1::ReceivedExam> ExamDesk::exams(std::uint32_t limit) {
  auto all = arriving();
  auto const begun = journal_.latest_exams(limit);
  all.insert(all.end(), begun.begin(), begun.end());
  if (all.size() > limit) all.resize(limit);
  return all;
}

qsm::v1::ReceivedExam ExamDesk::exam_in(std::string const& exam_id, qsm::v1::ExamState state,
                                        char const* reason, char const* message) {
  auto const exam = journal_.exam(exam_id);
  if (!exam) throw RequestError(grpc::NOT_FOUND, "UNKNOWN_EXAM", "there is no such exam");
  if (exam->state() != state) throw RequestError(grpc::FAILED_PRECONDITION, reason, message);
  return *exam;
}

qsm::v1::ReceivedExam ExamDesk::failed_exam(std::string const& exam_id) {
  return exam_in(exam_id, qsm::v1::EXAM_STATE_FAILED, "EXAM_NOT_FAILED", "the exam has not failed");
}

void ExamDesk::discard(std::string const& exam_id) {
  std::scoped_lock const lock(mutex_);
  auto const exam = failed_exam(exam_id);
  for (auto const& other : journal_.exams(qsm::v1::EXAM_STATE_RECONSTRUCTING))
    if (other.folder() == exam.folder())
      throw RequestError(grpc::FAILED_PRECONDITION, "IMAGES_IN_USE",
                         "exam " + other.exam_id() + " is made of the same images right now");
  forget(exam, "discard");
  spdlog::info("exam {} was discarded", exam_id);
}

qsm::v1::ReceivedExam ExamDesk::retry(std::string const& exam_id) {
  auto exam = failed_exam(exam_id);
  exam.clear_job_id();
  exam.clear_upload_id();
  exam.clear_finished_at();
  exam.clear_return_to();
  std::scoped_lock const lock(mutex_);
  begin(exam);
  return *journal_.exam(exam_id);
}

qsm::v1::Delivery ExamDesk::send(std::string const& exam_id, std::string const& node) {
  auto const exam =
      exam_in(exam_id, qsm::v1::EXAM_STATE_DONE, "EXAM_NOT_DONE", "the exam has no result");
  if (!settings_.nodes.contains(node))
    throw RequestError(grpc::NOT_FOUND, "UNKNOWN_NODE", "there is no node '" + node + "'",
                       "`chistream nodes` lists them");
  auto const delivery = delivery_to(node, exam, result_files(state_, exam_id));
  if (delivery.instances().empty())
    throw RequestError(grpc::FAILED_PRECONDITION, "NO_SUCH_OBJECTS",
                       "the result was not written as what " + node + " takes",
                       "name the node in return_to of the sender, and retry the exam");
  return deliveries_.add(delivery);
}

qsm::v1::Delivery ExamDesk::delivery_to(std::string const& node, qsm::v1::ReceivedExam const& exam,
                                        std::vector<std::string> const& files) const {
  auto const found = settings_.nodes.find(node);
  NodeSettings const takes = found == settings_.nodes.end() ? NodeSettings{} : found->second;
  return make_delivery(state_, exam, instances_for(takes, files), node);
}

}  // namespace chistream::gateway
