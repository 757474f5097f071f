/// What is kept for how long, and how it goes: the journal first, then the files, so that a server
/// that is killed in between finds files without a row and removes them at its next start.
///
/// A result is kept for `results` after its job ended, or longer where ExtendRetention said so; an
/// exam for `exams` after the last of its jobs ended, never while one waits or runs; an upload that
/// was not committed for `open` after it was opened. Uploads and jobs stay in the journal, which
/// says what became of them.
///
/// Thread-safe. Throws RequestError as Journal does, and FAILED_PRECONDITION JOB_NOT_SUCCEEDED.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "store/journal.hpp"
#include "store/spool.hpp"

namespace chistream {

struct RetentionPolicy {  // zero: for ever
  std::chrono::hours results{30 * 24};
  std::chrono::hours exams{7 * 24};
  std::chrono::hours open{7 * 24};
};

class Retention {
 public:
  using Time = std::chrono::system_clock::time_point;

  Retention(Journal& journal, Spool& spool, RetentionPolicy const& policy)
      : journal_(journal), spool_(spool), policy_(policy) {}

  /// Removes what is due; to be called every few minutes. Reads every job once.
  void run(Time now);

  void delete_result(std::string const& job_id);
  /// When the result is due then. nullopt: never.
  std::optional<Time> extend(std::string const& job_id, Time keep_until);
  std::optional<Time> due(qsm::v1::Job const& job) const;

 private:
  void remove_result(std::string const& job_id, char const* why);
  void remove_exam(std::string const& upload_id, char const* why);

  Journal& journal_;
  Spool& spool_;
  RetentionPolicy const policy_;
};

}  // namespace chistream
