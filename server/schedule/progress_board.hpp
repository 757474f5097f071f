/// How far every running job is. Apart from JobQueue, whose mutex is held while the journal is
/// written, so that whoever asks for a job never waits for a disk.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "qsm/v1/job.pb.h"

namespace chistream {

/// Thread-safe; nothing else is taken under its mutex.
class ProgressBoard {
 public:
  void set(std::string const& job_id, qsm::v1::Progress const& progress) {
    std::scoped_lock const lock(mutex_);
    progress_[job_id] = progress;
  }
  void forget(std::string const& job_id) {
    std::scoped_lock const lock(mutex_);
    progress_.erase(job_id);
  }
  /// Writes it into a job that runs; no effect on any other.
  void show_in(qsm::v1::Job& job) const {
    std::scoped_lock const lock(mutex_);
    auto const found = progress_.find(job.job_id());
    if (found != progress_.end()) *job.mutable_progress() = found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, qsm::v1::Progress> progress_;
};

}  // namespace chistream
