/// Where images become exams, and exams results: watches the inbox, starts what is complete, and
/// queues what comes of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/delivery/delivery_queue.hpp"
#include "gateway/delivery/result_files.hpp"
#include "gateway/exams/exam_runner.hpp"
#include "gateway/gateway_journal.hpp"
#include "gateway/reception/inbox.hpp"

namespace chistream::gateway {

/// run_exam(), or what a test puts in its place.
using RunExam = std::function<ExamResult(qsm::v1::ReceivedExam const&,
                                         std::function<void(std::string const&)> const& job_known)>;

class ExamDesk {
 public:
  /// Takes up what an earlier gateway left. `runners` exams are worked on at a time.
  ExamDesk(Settings const& settings, std::filesystem::path state, GatewayJournal& journal,
           Audit& audit, DeliveryQueue& deliveries, RunExam run, unsigned runners = 2);
  ~ExamDesk();
  ExamDesk(ExamDesk const&) = delete;

  /// An image came into this folder of the inbox.
  void stored(std::filesystem::path const& folder);

  /// An MRD stream came to its end, and lies in this file. `upload_id`: of what was uploaded while
  /// it came, if it was.
  void captured(std::filesystem::path const& file, std::string const& upload_id = "");

  /// Exams that have not begun: images come in, or are missing.
  std::vector<qsm::v1::ReceivedExam> arriving();

  /// Those that arrive, then those in the journal, newest first.
  std::vector<qsm::v1::ReceivedExam> exams(std::uint32_t limit);

  /// Throws RequestError NOT_FOUND UNKNOWN_EXAM, FAILED_PRECONDITION EXAM_NOT_FAILED.
  qsm::v1::ReceivedExam retry(std::string const& exam_id);

  /// Takes an exam that failed away, with its images. Throws RequestError NOT_FOUND UNKNOWN_EXAM,
  /// FAILED_PRECONDITION EXAM_NOT_FAILED, IMAGES_IN_USE (another exam is made of them right now).
  void discard(std::string const& exam_id);

  /// The whole result of an exam for one more node. Throws RequestError NOT_FOUND UNKNOWN_EXAM,
  /// UNKNOWN_NODE; FAILED_PRECONDITION EXAM_NOT_DONE, NO_SUCH_OBJECTS.
  qsm::v1::Delivery send(std::string const& exam_id, std::string const& node);

 private:
  using Clock = std::chrono::steady_clock;

  /// What was found in a folder and has not begun.
  struct Candidate {
    qsm::v1::ReceivedExam view;
    dicom::DicomExam exam;
  };

  /// A folder of the inbox: images of one study from one sender.
  struct Folder {
    Origin origin;
    std::vector<dicom::SourceFile> files;
    Clock::time_point last_image;
    std::int64_t last_image_ms = 0;
    bool changed = true;
    std::vector<Candidate> candidates = {};
  };

  void watch(std::stop_token stop);
  void forget_settled();
  void forget(qsm::v1::ReceivedExam const& exam, char const* why);
  qsm::v1::ReceivedExam exam_in(std::string const& exam_id, qsm::v1::ExamState state,
                                char const* reason, char const* message);
  qsm::v1::ReceivedExam failed_exam(std::string const& exam_id);
  void take_up_later_ones();
  void look_at(std::filesystem::path const& path, Folder& folder);
  void sort(std::filesystem::path const& path, Folder& folder);
  bool judge(qsm::v1::ReceivedExam& view, dicom::DicomExam const& exam, Clock::duration quiet);
  qsm::v1::ReceivedExam view_of(std::filesystem::path const& path, Folder const& folder,
                                dicom::DicomExam const& exam) const;
  void begin(qsm::v1::ReceivedExam exam);
  void supersede_earlier(qsm::v1::ReceivedExam const& exam);
  void keep_mark(qsm::v1::ReceivedExam& exam);
  void work(std::stop_token stop);
  void run(qsm::v1::ReceivedExam exam);
  qsm::v1::Delivery delivery_to(std::string const& node, qsm::v1::ReceivedExam const& exam,
                                std::vector<std::string> const& files) const;
  void fail(qsm::v1::ReceivedExam exam, std::string const& reason, std::string const& message);

  Settings const& settings_;
  std::filesystem::path state_;
  GatewayJournal& journal_;
  Audit& audit_;
  DeliveryQueue& deliveries_;
  RunExam run_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::filesystem::path, Folder> folders_;
  std::deque<qsm::v1::ReceivedExam> queue_;
  std::multimap<Clock::time_point, qsm::v1::ReceivedExam>
      later_;  // what the daemon cannot take now
  Clock::time_point next_forgetting_{};
  std::vector<std::jthread> threads_;
};

}  // namespace chistream::gateway
